/** What an answer must be: OpenAI's fields for JSON and for calls of tools, and vLLM's for regular expressions. */
import { EdgewardError, isEdgewardError } from 'edgeward'
import type { ResponseFormat, ToolChoice } from 'edgeward/generation'
import * as v from 'valibot'
import { wrongField } from './read-body.js'

const jsonSchema = v.record(v.string(), v.unknown(), 'a JSON schema that is an object')

/** https://platform.openai.com/docs/api-reference/chat/create, https://docs.vllm.ai/en/latest/features/structured_outputs.html */
export const formatFields = {
  response_format: v.nullish(
    v.variant(
      'type',
      [
        v.object({ type: v.literal('text') }),
        v.object({ type: v.literal('json_object') }),
        v.object({ type: v.literal('json_schema'), json_schema: v.object({ schema: jsonSchema }) }),
      ],
      'of the type "text", "json_object" or "json_schema"',
    ),
  ),
  structured_outputs: v.nullish(v.looseObject({ regex: v.nullish(v.string()), json: v.nullish(jsonSchema) })),
  /** What vLLM had before `structured_outputs`. */
  guided_regex: v.nullish(v.string()),
}

type FormatBody = v.InferOutput<v.ObjectSchema<typeof formatFields, undefined>>

/** The schema of `tool_choice`. */
export const toolChoiceSchema = v.union(
  [
    v.picklist(['auto', 'none', 'required']),
    v.object({ type: v.literal('function'), function: v.object({ name: v.string() }) }),
  ],
  '"auto", "none", "required" or { "type": "function", "function": { "name": … } }',
)

/** @throws {EdgewardError} `INVALID_INPUT` for forms that are not known, or more than one */
export function checkFormat(body: FormatBody): void {
  const outputs = body.structured_outputs ?? {}
  const unknown = Object.keys(outputs).find((key) => !['regex', 'json'].includes(key) && isSet(outputs[key]))
  if (unknown !== undefined) {
    throw wrongField(
      `structured_outputs.${unknown}`,
      `structured_outputs.${unknown} should be left out: regex and json are known`,
    )
  }
  const [, second] = formatsOf(body)
  if (second === undefined) return
  throw wrongField(
    second.field,
    `${second.field} should be left out: an answer has one form, and another field states it`,
  )
}

/** What the text must be; undefined: nothing is said. */
export function responseFormatOf(body: FormatBody): ResponseFormat | undefined {
  return formatsOf(body)[0]?.format
}

export function toolChoiceOf(
  choice: v.InferOutput<typeof toolChoiceSchema> | null | undefined,
): ToolChoice | undefined {
  return typeof choice === 'object' ? choice?.function : choice
}

/** Says of a failed request which of its fields is wrong, where a form that was asked for cannot be made. */
export function namedField(thrown: unknown, body: FormatBody): unknown {
  if (!isEdgewardError(thrown)) return thrown
  const { option } = thrown.details
  const param = option === 'responseFormat' ? (formatsOf(body)[0]?.field ?? 'tools') : optionFields.get(option)
  return param === undefined ? thrown : new EdgewardError('INVALID_INPUT', thrown.message, { details: { param } })
}

const optionFields: ReadonlyMap<unknown, string> = new Map([['toolChoice', 'tool_choice']])

interface StatedFormat {
  readonly field: string
  readonly format: ResponseFormat
}

function formatsOf({
  response_format: response,
  structured_outputs: outputs,
  guided_regex: guided,
}: FormatBody): StatedFormat[] {
  const regex = (field: string, pattern: string | null | undefined) =>
    isSet(pattern) ? [{ field, format: { type: 'regex', pattern } } as const] : []
  const schema = (field: string, of: object | null | undefined) =>
    isSet(of) ? [{ field, format: { type: 'json_schema', schema: of } } as const] : []
  return [
    ...(response?.type === 'json_object' ? [{ field: 'response_format', format: response }] : []),
    ...schema('response_format', response?.type === 'json_schema' ? response.json_schema.schema : undefined),
    ...regex('structured_outputs', outputs?.regex),
    ...schema('structured_outputs', outputs?.json),
    ...regex('guided_regex', guided),
  ]
}

function isSet<T>(value: T): value is NonNullable<T> {
  return value !== null && value !== undefined
}
