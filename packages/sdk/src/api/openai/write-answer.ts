/** Writes answers in OpenAI's shapes. */
import type {
  FinishReason,
  GeneratedAnswer,
  GenerationOutput,
  GenerationPart,
  GenerationUsage,
  TokenLogprob,
} from '../../contract/index.js'
import type { ChatCompletion, ChatCompletionChunk, Completion, CompletionUsage } from './types.js'

/** What all pieces of one answer say of it. */
export interface Head {
  readonly id: string
  /** Seconds since 1970. */
  readonly created: number
  readonly model: string
}

export function newHead(kind: 'chatcmpl' | 'cmpl', model: string): Head {
  return { id: `${kind}-${crypto.randomUUID()}`, created: Math.floor(Date.now() / 1000), model }
}

export function chatCompletion(head: Head, { answers, usage }: GenerationOutput): ChatCompletion {
  const choices = answers.map((answer, index) => ({
    ...{ index, message: messageOf(answer), logprobs: logprobsOf(answer.logprobs) },
    finish_reason: finishReasonOf(answer.finishReason),
  }))
  return { ...head, object: 'chat.completion', choices, usage: usageOf(usage) }
}

export function completion(head: Head, { answers, usage }: GenerationOutput): Completion {
  const choices = answers.map(({ text, finishReason }, index) => ({
    ...{ index, text, logprobs: null },
    finish_reason: finishReasonOf(finishReason),
  }))
  return { ...head, object: 'text_completion', choices, usage: usageOf(usage) }
}

/** The first piece of an answer. */
export function firstChunk(head: Head, index: number): ChatCompletionChunk {
  return chunk(head, index, { role: 'assistant', content: '' })
}

/** The piece that a part is, if it is one. */
export function chatChunk(head: Head, part: GenerationPart): ChatCompletionChunk | undefined {
  switch (part.type) {
    case 'text-delta':
      return chunk(head, part.index, { content: part.text }, null, part.logprobs)
    case 'reasoning-delta':
      return chunk(head, part.index, { reasoning_content: part.text })
    case 'tool-call-delta': {
      const { call, id, name, arguments: text } = part
      const begin = name === undefined ? {} : { id, type: 'function' as const }
      const called = { index: call, ...begin, function: { ...(name !== undefined && { name }), arguments: text } }
      return chunk(head, part.index, { tool_calls: [called] })
    }
    case 'finish':
      return chunk(head, part.index, {}, finishReasonOf(part.reason))
    default:
      return undefined
  }
}

/** The piece of a text that a part is, if it is one. */
export function textChunk(head: Head, part: GenerationPart): Completion | undefined {
  if (part.type !== 'text-delta' && part.type !== 'finish') return undefined
  const text = part.type === 'text-delta' ? part.text : ''
  const reason = part.type === 'finish' ? finishReasonOf(part.reason) : null
  const choice = { index: part.index, text, logprobs: null, finish_reason: reason }
  return { ...head, object: 'text_completion', choices: [choice] }
}

export function usageOf({ promptTokens, completionTokens, cachedTokens }: GenerationUsage): CompletionUsage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    ...(cachedTokens !== undefined && { prompt_tokens_details: { cached_tokens: cachedTokens } }),
  }
}

type Choice = ChatCompletionChunk['choices'][number]

function chunk(
  head: Head,
  index: number,
  delta: Choice['delta'],
  reason: Choice['finish_reason'] = null,
  logprobs?: readonly TokenLogprob[],
): ChatCompletionChunk {
  const choice = { index, delta, logprobs: logprobsOf(logprobs), finish_reason: reason }
  return { ...head, object: 'chat.completion.chunk', choices: [choice] }
}

function messageOf({ text, reasoning, toolCalls }: GeneratedAnswer): ChatCompletion['choices'][number]['message'] {
  const calls = toolCalls.map(({ id, ...called }) => ({ id, type: 'function' as const, function: called }))
  return {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    refusal: null,
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
    ...(calls.length > 0 && { tool_calls: calls }),
  }
}

/** What OpenAI says of a token that cannot be: JSON has no infinity. */
const leastLogprob = -9999

function logprobsOf(logprobs: readonly TokenLogprob[] = []): Choice['logprobs'] {
  const plain = ({ token, logprob }: TokenLogprob) => ({
    ...{ token, bytes: [...new TextEncoder().encode(token)] },
    logprob: Math.max(leastLogprob, logprob),
  })
  const content = logprobs.map((one) => ({ ...plain(one), top_logprobs: (one.top ?? []).map(plain) }))
  return content.length === 0 ? null : { content }
}

function finishReasonOf(reason: FinishReason): 'stop' | 'length' | 'tool_calls' {
  return reason === 'tool-calls' ? 'tool_calls' : reason
}
