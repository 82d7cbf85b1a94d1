/** Checks what comes with a request for text. */
import type { GenerationInput, GenerationOptions } from '../../contract/index.js'
import { definedOf, describe, invalid, oneOf, refuseUnknown, type Keys } from '../check-values.js'
import type { GenerateRequest, RequestOptions } from '../options.js'

/** As OpenAI has it. */
const mostAnswers = 128

/** What each option must be; undefined says that it is right. */
type Check = (value: unknown) => string | undefined

const optionChecks: { readonly [K in keyof Required<GenerationOptions>]: Check } = {
  maxTokens: integer(1),
  temperature: number(0),
  topK: integer(0),
  topP: number(0, 1),
  minP: number(0, 1),
  repetitionPenalty: number(Number.MIN_VALUE),
  presencePenalty: number(-Infinity),
  frequencyPenalty: number(-Infinity),
  logitBias: (value) => (isRecord(value) && Object.values(value).every(isFinite) ? undefined : 'numbers by token id'),
  seed: integer(0),
  n: integer(1, mostAnswers),
  logprobs: (value) => (typeof value === 'boolean' ? undefined : 'true or false'),
  topLogprobs: integer(0, 20),
  stop: (value) => (isStop(value) ? undefined : 'a text, or a list of texts; none of them empty'),
  responseFormat: (value) => (isFormat(value) ? undefined : formats),
  toolChoice: (value) => (isToolChoice(value) ? undefined : '"auto", "none", "required" or { name }'),
  contextOverflow: among('error', 'slide'),
  promptLookup: among('auto', 'off'),
  onSeam: among('restart', 'error'),
}

const formats =
  '{ type: "text" }, { type: "json_object" }, { type: "json_schema", schema } or { type: "regex", pattern }'

const inputKeys = { messages: true, tools: true, templateArguments: true, prompt: true } as const
const requestKeys: Keys<RequestOptions> = { signal: true, policy: true, lane: true }
const lanes: readonly string[] = ['interactive', 'default', 'background']

/** A request's parts. */
export interface SplitRequest {
  readonly input: GenerationInput
  readonly options: GenerationOptions
  readonly requestOptions: RequestOptions
}

/** @throws EdgewardError INVALID_OPTION for what is unknown or wrong; what the text is made from is checked later */
export function splitRequest(request: GenerateRequest): SplitRequest {
  refuseUnknown('a request for text', request, { ...inputKeys, ...optionChecks, ...requestKeys })
  const { signal, lane } = request as { signal?: unknown; lane?: unknown }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalid('signal', `is ${describe(signal)}`, 'an AbortSignal')
  }
  if (lane !== undefined) oneOf('lane', lane as string, lanes)
  checkGenerationOptions(request)
  const said = Object.entries(definedOf(request))
  const of = (keys: object) => Object.fromEntries(said.filter(([key]) => Object.hasOwn(keys, key)))
  // The keys are those of the types.
  return { input: of(inputKeys), options: of(optionChecks), requestOptions: of(requestKeys) } as unknown as SplitRequest
}

export function checkGenerationOptions(options: GenerationOptions): void {
  for (const [name, check] of Object.entries(optionChecks)) {
    const value: unknown = options[name as keyof GenerationOptions]
    const right = value === undefined ? undefined : check(value)
    if (right !== undefined) throw invalid(name, `is ${describe(value)}`, right)
  }
}

function integer(least: number, most = Infinity): Check {
  const right = `a whole number of at least ${least}${most === Infinity ? '' : ` and at most ${most}`}`
  return (value) => (Number.isSafeInteger(value) && isWithin(value as number, least, most) ? undefined : right)
}

function number(least: number, most = Infinity): Check {
  const bounds = least === -Infinity ? '' : least === Number.MIN_VALUE ? ' above 0' : ` of at least ${least}`
  const right = `a number${bounds}${most === Infinity ? '' : ` and at most ${most}`}`
  return (value) => (isFinite(value) && isWithin(value, least, most) ? undefined : right)
}

function among(...values: readonly string[]): Check {
  const right = values.map((value) => JSON.stringify(value)).join(' or ')
  return (value) => (values.includes(value as string) ? undefined : right)
}

function isWithin(value: number, least: number, most: number): boolean {
  return value >= least && value <= most
}

function isFinite(value: unknown): value is number {
  return Number.isFinite(value)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isStop(value: unknown): boolean {
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value]
  return texts.every((text) => typeof text === 'string' && text !== '')
}

function isFormat(value: unknown): boolean {
  if (!isRecord(value)) return false
  const { type, schema, pattern } = value
  if (type === 'json_schema') return isRecord(schema)
  return type === 'regex' ? typeof pattern === 'string' : type === 'text' || type === 'json_object'
}

function isToolChoice(value: unknown): boolean {
  if (isRecord(value)) return typeof value['name'] === 'string'
  return value === 'auto' || value === 'none' || value === 'required'
}
