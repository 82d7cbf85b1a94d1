/** Reads what OpenAI's clients send as requests for text. */
import type { ChatMessage, GenerationOptions, ResponseFormat, ToolChoice } from '../../contract/index.js'
import { EdgewardError } from '../../errors/index.js'
import type { GenerateRequest } from '../options.js'
import type { ChatCompletionBody, ChatCompletionMessage, CompletionBody } from './types.js'

/** @throws EdgewardError INVALID_INPUT for what no text model can read */
export function chatRequestOf(body: ChatCompletionBody): GenerateRequest {
  const { messages, tools, chat_template_kwargs: templateArguments } = body
  if (!Array.isArray(messages)) throw wrong('messages', 'must be a list of messages')
  return {
    messages: (messages as ChatCompletionBody['messages']).map(messageOf),
    ...(tools && { tools: tools.map(({ function: tool }) => tool) }),
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
  if (body.prompt === undefined) throw wrong('prompt', 'is missing')
  return { prompt: body.prompt, ...samplingOf(body), ...present({ maxTokens: body.max_tokens }) }
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
    ...(calls && { toolCalls: calls.map(({ id, function: called }) => ({ id, ...called })) }),
  }
}

function textOf(content: NonNullable<ChatCompletionMessage['content']>, index: number): string {
  if (typeof content === 'string') return content
  const other = content.find(({ type }) => type !== 'text')
  if (other)
    throw wrong(
      'messages',
      `has a part of the type ${JSON.stringify(other.type)} in message ${index}; only text is read`,
    )
  return content.map(({ text = '' }) => text).join('')
}

function formatOf(format: ChatCompletionBody['response_format']): ResponseFormat | undefined {
  if (!format || format.type === 'text') return undefined
  if (!('json_schema' in format)) return { type: 'json_object' }
  return { type: 'json_schema', schema: format.json_schema.schema ?? {} }
}

function toolChoiceOf(choice: ChatCompletionBody['tool_choice']): ToolChoice | undefined {
  return typeof choice === 'object' && choice !== null ? { name: choice.function.name } : (choice ?? undefined)
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
