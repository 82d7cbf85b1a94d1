/** What JSON schemas say of values that have no others inside, in EBNF. */
import { literal } from './json-rules.js'
import { integersIn } from './number-range.js'
import { cannot, type Schema } from './schema-refusals.js'

const types = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'] as const
export type Type = (typeof types)[number]

/** Of which type a schema without one may be taken to speak. */
const telling: readonly (readonly [Type, readonly string[]])[] = [
  ['object', ['properties', 'required', 'additionalProperties']],
  ['array', ['items', 'prefixItems', 'minItems', 'maxItems']],
  ['string', ['minLength', 'maxLength']],
  ['number', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum']],
]

export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function listOf(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw cannot(path, 'there should be a list')
}

export function countOf(schema: Schema, keyword: string, path: string): number | undefined {
  const value = schema[keyword]
  if (value === undefined || (Number.isSafeInteger(value) && Number(value) >= 0)) return value as number | undefined
  throw cannot(path, `"${keyword}" should be a whole number, 0 or more`)
}

export function typesOf(schema: Schema, path: string): readonly Type[] {
  const { type } = schema
  if (type === undefined)
    return telling.filter(([, keywords]) => keywords.some((one) => one in schema)).map(([of]) => of)
  const stated: readonly unknown[] = Array.isArray(type) ? type : [type]
  return stated.map((one) => {
    const known = types.find((name) => name === one)
    if (known !== undefined) return known
    throw cannot(path, `the type is ${JSON.stringify(one)}, should be one of ${types.join(', ')}`)
  })
}

export function literals(schema: Schema, path: string): string {
  const all = 'const' in schema ? [schema['const']] : listOf(schema['enum'], `${path}/enum`)
  const stated = typesOf(schema, path)
  const right = stated.length === 0 ? all : all.filter((value) => stated.some((type) => isOfType(value, type)))
  if (right.length > 0) return `(${right.map((value) => literal(JSON.stringify(value))).join(' | ')})`
  throw cannot(path, 'no value is allowed')
}

function isOfType(value: unknown, type: Type): boolean {
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  return type === 'object' ? isSchema(value) : typeof value === type
}

export function stringOf(schema: Schema, path: string): string {
  const [min = 0, max = Infinity] = [countOf(schema, 'minLength', path), countOf(schema, 'maxLength', path)]
  if (min > max) throw cannot(path, 'minLength is more than maxLength')
  return min === 0 && max === Infinity ? 'string' : `"\\"" char${times(min, max)} "\\""`
}

export function numberOf(type: 'integer' | 'number', schema: Schema, path: string): string {
  const keywords = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum']
  if (!keywords.some((keyword) => keyword in schema)) return type
  // The engine mixes up alternatives of digits and points: what it lets through is no number.
  if (type === 'number') throw cannot(path, 'a range of numbers that are no integers is not supported')
  const [min, max, above, below] = keywords.map((keyword) => {
    const value = schema[keyword]
    if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value
    throw cannot(path, `"${keyword}" should be a number`)
  })
  const integers = {
    min: Math.max(min ?? -Infinity, above === undefined ? -Infinity : Math.floor(above) + 1),
    max: Math.min(max ?? Infinity, below === undefined ? Infinity : Math.ceil(below) - 1),
  }
  const found = integersIn(integers)
  if (found !== undefined) return found
  throw cannot(path, 'no number is in its range')
}

/** How often something may come. */
export function times(min: number, max: number): string {
  return `{${Math.max(0, min)},${max === Infinity ? '' : max}}`
}
