/** Refuses what a JSON schema asks for and no grammar here can hold to: an answer that breaks it would be a wrong one. */
import { EdgewardError } from '../../errors/index.js'

export type Schema = Readonly<Record<string, unknown>>

/** Keywords that say what is right, and that are not heeded. */
const refused = [
  ...['not', 'if', 'then', 'else', 'dependentRequired', 'dependentSchemas', 'dependencies'],
  ...['multipleOf', 'pattern', 'contains', 'minContains', 'maxContains', 'additionalItems', 'unevaluatedItems'],
  ...['patternProperties', 'propertyNames', 'minProperties', 'maxProperties', 'unevaluatedProperties'],
  ...['$dynamicRef', '$recursiveRef'],
]

/** Keywords that say what is right by themselves, and stand alone. */
const alone = ['$ref', 'anyOf', 'oneOf', 'allOf', 'const', 'enum'] as const

/** Keywords that say nothing of what is right, or only where. */
const annotations = [
  ...['$schema', '$id', '$comment', '$defs', 'definitions', 'title', 'description', 'default', 'examples', 'format'],
  ...['deprecated', 'readOnly', 'writeOnly', 'nullable'],
]

/** @throws EdgewardError INVALID_OPTION */
export function checkKeywords(schema: Schema, path: string): void {
  const isAsked = (keyword: string) => Object.hasOwn(schema, keyword)
  const unheeded = refused.find(isAsked)
  if (unheeded !== undefined) throw cannot(path, `"${unheeded}" is not supported`)
  if (schema['uniqueItems'] === true) throw cannot(path, '"uniqueItems" is not supported')
  const own = alone.find(isAsked)
  if (own === undefined) return
  const mayStandBeside = own === 'const' || own === 'enum' ? [...annotations, 'type'] : annotations
  const other = Object.keys(schema).find((keyword) => keyword !== own && !mayStandBeside.includes(keyword))
  if (other !== undefined) throw cannot(path, `"${own}" and "${other}" are not supported beside each other`)
}

/** What a schema asks for that cannot be made. */
export function cannot(path: string, why: string): EdgewardError {
  const message = `The JSON schema cannot be made into a grammar: at ${path}, ${why}.`
  return new EdgewardError('INVALID_OPTION', message, { details: { option: 'responseFormat', path } })
}
