/** Checks of single values and keys that callers say, with messages that say what is right. */
import { EdgewardError } from '../errors/index.js'
import { nearestName } from '../shared/index.js'

/** Every key of an options type: one that is missing or too many does not compile. */
export type Keys<T> = { readonly [K in keyof T]-?: true }

export function refuseUnknown(where: string, options: unknown, known: Readonly<Record<string, unknown>>): void {
  if (typeof options !== 'object' || options === null) {
    throw new EdgewardError(
      'INVALID_OPTION',
      `The options of ${where} are ${describe(options)}; they must be an object.`,
    )
  }
  const names = Object.keys(known)
  for (const key of Object.keys(options)) {
    if (Object.hasOwn(known, key)) continue
    const nearest = nearestName(key, names)
    const hint = nearest === undefined ? `it takes ${names.join(', ')}` : `did you mean ${nearest}?`
    throw new EdgewardError('INVALID_OPTION', `${where} does not know the option ${JSON.stringify(key)}; ${hint}`)
  }
}

export function oneOf(where: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) throw invalid(where, `is ${describe(value)}`, quoted(allowed))
}

export function trueOrFalse(where: string, value: unknown): void {
  if (typeof value !== 'boolean') throw invalid(where, `is ${describe(value)}`, 'true or false')
}

export function aboveZero(where: string, value: unknown, unit: string): void {
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value) && value > 0)) return
  throw invalid(where, `is ${describe(value)}`, `a number of ${unit} above zero`)
}

/** A number above `bound`; `Infinity` is no limit. */
export function limit(where: string, value: unknown, unit: string, bound: number): void {
  if (typeof value === 'number' && value > bound) return
  throw invalid(where, `is ${describe(value)}`, `a number of ${unit}, or Infinity`)
}

/** A share of a whole. */
export function share(where: string, value: unknown): void {
  if (typeof value === 'number' && value >= 0 && value <= 1) return
  throw invalid(where, `is ${describe(value)}`, 'a number from 0 to 1')
}

export function quoted(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(' or ')
}

/** A wrong value as a message shows it. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}

export function invalid(where: string, what: string, right: string): EdgewardError {
  return new EdgewardError('INVALID_OPTION', `The option ${where} ${what}; it must be ${right}.`)
}

/** Without the keys whose value is undefined, which mean "not said". */
export function definedOf<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never
}
