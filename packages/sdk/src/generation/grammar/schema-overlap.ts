/** Says of two JSON schemas whether no value can fulfil both, as far as that is plain to see. */
import type { Schema } from './schema-refusals.js'

/** Perhaps false where it is so all the same. */
export function areExclusive(one: unknown, other: unknown): boolean {
  if (!isSchema(one) || !isSchema(other)) return one === false || other === false
  const [values, others] = [valuesOf(one), valuesOf(other)]
  if (values && others) return values.every((value) => !others.includes(value))
  const [types, otherTypes] = [typesOf(one), typesOf(other)]
  if (types && otherTypes && types.every((type) => !otherTypes.includes(type))) return true
  return [...neededOf(one)].some(([name, schema]) => {
    const same = neededOf(other).get(name)
    const isObject = (of: readonly string[] | undefined) => of?.length === 1 && of[0] === 'object'
    return same !== undefined && isObject(types) && isObject(otherTypes) && areExclusive(schema, same)
  })
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null
}

/** The values that it allows, as JSON. */
function valuesOf(schema: Schema): readonly string[] | undefined {
  const values: unknown = 'const' in schema ? [schema['const']] : schema['enum']
  return Array.isArray(values) ? values.map((value) => JSON.stringify(value)) : undefined
}

/** An integer is a number. */
function typesOf({ type }: Schema): readonly string[] | undefined {
  if (type === undefined) return undefined
  return (Array.isArray(type) ? type : [type]).map((one) => (one === 'integer' ? 'number' : String(one)))
}

function neededOf({ properties, required }: Schema): ReadonlyMap<string, unknown> {
  const names = Array.isArray(required) ? required.map(String) : []
  const all = isSchema(properties) ? Object.entries(properties) : []
  return new Map(all.filter(([name]) => names.includes(name)))
}
