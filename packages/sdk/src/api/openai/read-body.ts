/** Reads what OpenAI's clients send as requests for text. */
import type { ChatMessage, GenerationOptions, ResponseFormat, ToolChoice } from '../../contract/index.js'
import { EdgewardError } from '../../errors/index.js'
import type { GenerateRequest } from '../options.js'
import type { ChatCompletionBody, ChatCompletionMessage, CompletionBody } from './types.js'

/** @throws EdgewardError INVALID_INPUT for what no text model can read */
export function chatRequestOf(body: ChatCompletionBody): GenerateRequest {
  const { messages, tools, chat_template_kwargs: templateArguments } = body
  return {
    messages: listOf('messages', messages).map(messageOf),
    ...(tools && { tools: listOf('tools', tools).map(functionOf) }),
    ...(templateArguments && { templateArguments }),
    ...samplingOf(body),
    ...present({
      maxTokens: body.max_completion_tokens ?? body.max_tokens,
      logprobs: body.logprobs,
      topLogprobs: body.top_logprobs,
      toolChoice: toolChoiceOf(body.tool_choice),
    }),
  }
}

/** @throws EdgewardError INVALID_INPUT */
export function completionRequestOf(body: CompletionBody): GenerateRequest {
  const { prompt, logprobs = null } = body as CompletionBody & { readonly logprobs?: unknown }
  if (prompt === undefined) throw wrong('prompt', 'is missing')
  if (logprobs !== null) throw wrong('logprobs', 'is not told of completions; those of chats have log probabilities')
  return { prompt, ...samplingOf(body), ...present({ maxTokens: body.max_tokens }) }
}

function samplingOf(body: ChatCompletionBody | CompletionBody): GenerationOptions {
  return present({
    temperature: body.temperature,
    topP: body.top_p,
    topK: body.top_k,
    minP: body.min_p,
    repetitionPenalty: body.repetition_penalty,
    presencePenalty: body.presence_penalty,
    frequencyPenalty: body.frequency_penalty,
    logitBias: body.logit_bias,
    seed: body.seed,
    n: body.n,
    stop: body.stop,
    responseFormat: formatOf(body.response_format),
  })
}

function messageOf(message: ChatCompletionMessage, index: number): ChatMessage {
  const { role, content, name, tool_call_id: toolCallId, tool_calls: calls, reasoning_content: reasoning } = message
  return {
    role,
    content: textOf(content ?? '', index),
    ...present({ name, toolCallId, reasoning }),
    ...(calls && {
      toolCalls: listOf('messages', calls).map((call) => ({ id: call.id, ...functionOf(call) })),
    }),
  }
}

function textOf(content: NonNullable<ChatCompletionMessage['content']>, index: number): string {
  if (typeof content === 'string') return content
  const other = listOf('messages', content).find(({ type }) => type !== 'text')
  if (other)
    throw wrong(
      'messages',
      `has a part of the type ${JSON.stringify(other.type)} in message ${index}; only text is read`,
    )
  return content.map(({ text = '' }) => text).join('')
}

function formatOf(format: ChatCompletionBody['response_format']): ResponseFormat | undefined {
  if (!format) return undefined
  switch (format.type) {
    case 'text':
      return undefined
    case 'json_object':
      return { type: 'json_object' }
    case 'json_schema':
      if (isObject(format.json_schema)) return { type: 'json_schema', schema: format.json_schema.schema ?? {} }
      throw wrong('response_format', 'has no json_schema')
    default:
      throw wrong('response_format', 'must be of the type "text", "json_object" or "json_schema"')
  }
}

function toolChoiceOf(choice: ChatCompletionBody['tool_choice']): ToolChoice | undefined {
  if (typeof choice !== 'object' || choice === null) return choice ?? undefined
  if (isObject(choice.function)) return { name: choice.function.name }
  throw wrong('tool_choice', 'must be "auto", "none", "required" or { type: "function", function: { name } }')
}

/** Of a tool, or of a call. */
function functionOf<F>({ function: named }: { readonly function: F & { readonly name: string } }): F {
  if (isObject(named) && typeof named.name === 'string') return named
  throw wrong('tools', 'and calls of them must be { type: "function", function: { name, … } }')
}

/** What comes over the wire need not be what its type says. */
function listOf<T>(param: string, values: readonly T[]): readonly T[] {
  const given: unknown = values
  if (Array.isArray(given) && given.every(isObject)) return values
  throw wrong(param, 'must be a list of objects')
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

type Present<T> = { readonly [K in keyof T]?: Exclude<T[K], null | undefined> }

/** Without what is absent or null. */
function present<T extends object>(values: T): Present<T> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined && value !== null),
  ) as Present<T>
}

export function wrong(param: string, what: string): EdgewardError {
  return new EdgewardError('INVALID_INPUT', `${param} ${what}.`, { details: { param } })
}
