/** One event of a streamed answer, as servers write it, read into one shape. */
import type { GenerationUsage, TokenLogprob } from '../../contract/index.js'
import { isSize, type Field } from '../oip/field.js'
import { readLogprobs } from './logprobs.js'

/** A piece of a tool call. */
export interface CallPiece {
  readonly call: number
  readonly id?: string
  readonly name?: string
  readonly arguments: string
}

/** What one event adds to the answer. */
export interface Chunk {
  readonly text: string
  readonly reasoning: string
  readonly calls: readonly CallPiece[]
  /** Of this text. */
  readonly tokenIds?: readonly number[]
  readonly promptIds?: readonly number[]
  readonly logprobs?: readonly TokenLogprob[]
  readonly finishReason?: string
  readonly usage?: Partial<GenerationUsage>
}

/** @throws EdgewardError REMOTE_MALFORMED for an event that is none of a single answer's */
export function readChunk(event: Field): Chunk {
  const choices = event.get('choices')
  const usage = readUsage(event.get('usage'))
  if (choices.isAbsent && !usage) throw choices.error('is missing: this is no event of an answer')
  const [choice, ...others] = choices.isAbsent ? [] : choices.items()
  if (choice === undefined) return { text: '', reasoning: '', calls: [], ...(usage && { usage }) }
  const index = choice.get('index')
  if (others.length > 0 || (!index.isAbsent && index.size() !== 0)) {
    throw choices.error('holds several answers, where one was asked for')
  }
  return { ...readChoice(choice, event), ...(usage && { usage }) }
}

function readChoice(choice: Field, event: Field): Chunk {
  const delta = choice.get('delta')
  const reasoning = textOf(delta.get('reasoning_content')) || textOf(delta.get('reasoning'))
  const calls = delta.get('tool_calls')
  const tokenIds = idsOf(choice.get('token_ids'))
  const promptIds = idsOf(event.get('prompt_token_ids')) ?? idsOf(choice.get('prompt_token_ids'))
  const logprobs = readLogprobs(choice.get('logprobs'))
  const finishReason = choice.get('finish_reason')
  return {
    text: textOf(delta.get('content')) + textOf(delta.get('refusal')) + textOf(choice.get('text')),
    reasoning,
    calls: calls.isAbsent ? [] : calls.items().map(readCall),
    ...(tokenIds && { tokenIds }),
    ...(promptIds && { promptIds }),
    ...(logprobs && { logprobs }),
    // Some servers write an empty one until there is one.
    ...(!finishReason.isAbsent && finishReason.value !== '' && { finishReason: finishReason.string() }),
  }
}

function readCall(call: Field, position: number): CallPiece {
  const index = call.get('index')
  const id = textOf(call.get('id'))
  const name = textOf(call.get('function').get('name'))
  return {
    call: index.isAbsent ? position : index.size(),
    ...(id && { id }),
    ...(name && { name }),
    arguments: textOf(call.get('function').get('arguments')),
  }
}

/** Counts that are none are as good as absent: the answer beside them is whole. */
function readUsage({ value }: Field): Partial<GenerationUsage> | undefined {
  if (!isObject(value)) return undefined
  const { prompt_tokens: promptTokens, completion_tokens: completionTokens, prompt_tokens_details: details } = value
  const cachedTokens = isObject(details) ? details['cached_tokens'] : undefined
  return {
    ...(isSize(promptTokens) && { promptTokens }),
    ...(isSize(completionTokens) && { completionTokens }),
    ...(isSize(cachedTokens) && { cachedTokens }),
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function idsOf(ids: Field): readonly number[] | undefined {
  return ids.isAbsent ? undefined : ids.items().map((id) => id.size())
}

function textOf(text: Field): string {
  return text.isAbsent ? '' : text.string()
}
