/** A value inside a message together with its path, so that whatever is wrong with it can be named. */
import { EdgewardError, type ErrorCode } from '../../errors/index.js'

/** Reads a message that somebody else wrote, and refuses what is not as it should be. */
export class Field {
  /**
   * @param value - Anything; `null` counts as absent, because servers write it for what they leave out.
   * @param path - Where it stands, such as `inputs[0].shape`.
   * @param code - What is thrown: `INVALID_INPUT` for a client's message, `REMOTE_MALFORMED` for a server's.
   */
  constructor(
    readonly value: unknown,
    readonly path: string,
    readonly code: ErrorCode,
  ) {}

  /** The error to throw for this field. */
  error(problem: string): EdgewardError {
    return new EdgewardError(this.code, `${this.path || 'message'}: ${problem}`, { details: { path: this.path } })
  }

  get isAbsent(): boolean {
    return this.value === undefined || this.value === null
  }

  /** A field of this object; absent if this whole object is. */
  get(key: string): Field {
    const { value } = this
    if (!this.isAbsent && (typeof value !== 'object' || Array.isArray(value))) throw this.error('must be an object')
    // Any object can be read as a record; `hasOwn` keeps inherited keys out.
    const own = value && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
    return new Field(own, this.path ? `${this.path}.${key}` : key, this.code)
  }

  array(): readonly unknown[] {
    if (!Array.isArray(this.value)) throw this.error(`must be an array${this.#found()}`)
    return this.value as readonly unknown[]
  }

  /** @param most - How many there may be. More are refused before anything is made of them. */
  items(most = Infinity): Field[] {
    const values = this.array()
    if (values.length > most) throw this.error(`has ${values.length} items, should have at most ${most}`)
    return values.map((value, index) => new Field(value, `${this.path}[${index}]`, this.code))
  }

  string(): string {
    if (typeof this.value !== 'string') throw this.error(`must be a string${this.#found()}`)
    return this.value
  }

  /** A count of bytes or elements: 0, 1, 2, … */
  size(): number {
    if (!isSize(this.value)) throw this.error(`must be a whole number from 0${this.#found()}`)
    return this.value
  }

  boolean(otherwise: boolean): boolean {
    if (this.isAbsent) return otherwise
    if (typeof this.value !== 'boolean') throw this.error(`must be true or false${this.#found()}`)
    return this.value
  }

  #found(): string {
    return this.isAbsent ? ', but is missing' : `, found ${describeValue(this.value)}`
  }
}

/** A short text for a value of a message; never walks into it, since it may be as deep as its author likes. */
export function describeValue(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40))
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

/** No runtime has tensors of more; ONNX's largest models have 8. */
const maxDimensions = 64

/** The sizes of the dimensions of a tensor: whole numbers from 0. */
export function readShape(field: Field): number[] {
  return field.items(maxDimensions).map((item) => item.size())
}

/** How many elements a tensor of this shape has; 1 for a scalar, whose shape is empty. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

export function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
