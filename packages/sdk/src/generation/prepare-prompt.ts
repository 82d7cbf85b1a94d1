/** Makes of an input the tokens that the model is given. */
import type { ChatMessage, GenerationInput, LanguageModelConfig, TextFormat } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { continued, type ChatInput, type ChatTemplate } from './chat-template.js'
import { overflow } from './context-overflow.js'
import { encodingWithin } from './encode-within.js'
import type { TextTokenizer } from './text-tokenizer.js'

/** What inputs are read with. */
export interface PromptReader {
  readonly config: LanguageModelConfig
  readonly tokenizer: TextTokenizer
  readonly template: ChatTemplate
}

export interface PromptOptions {
  readonly maxTokens: number
  readonly contextOverflow: 'error' | 'slide'
}

export interface Prompt {
  readonly ids: readonly number[]
  /** How many tokens were left out, since they did not fit. */
  readonly dropped: number
  readonly format: TextFormat
}

/** @throws EdgewardError CONTEXT_OVERFLOW, and what the template throws */
export function preparePrompt(input: GenerationInput, options: PromptOptions, reader: PromptReader): Prompt {
  const all = promptIds(input, within(reader, options))
  const ids = fits(all.length, reader) ? all : fitting(input, all, options, reader)
  return { ids, dropped: all.length - ids.length, format: formatOf(input, ids, reader) }
}

/** The text that the model is given for an input. */
export function renderInput(input: GenerationInput, { tokenizer, template }: PromptReader): string {
  if ('messages' in input) return template.render(input)
  return typeof input.prompt === 'string' ? input.prompt : tokenizer.decode(input.prompt)
}

/** Where what does not fit is refused, it is refused as soon as that is known. */
export function within(
  reader: PromptReader,
  { contextOverflow }: Pick<PromptOptions, 'contextOverflow'>,
): PromptReader {
  const { config, tokenizer } = reader
  if (contextOverflow !== 'error') return reader
  return { ...reader, tokenizer: encodingWithin(tokenizer, config.contextLength) }
}

/** There is room for a prompt when an answer can be begun. */
const fits = (promptTokens: number, { config }: PromptReader) => promptTokens < config.contextLength

function promptIds(input: GenerationInput, reader: PromptReader): readonly number[] {
  if ('prompt' in input && typeof input.prompt !== 'string') return checkedIds(input.prompt, reader)
  const { config, tokenizer } = reader
  const text = renderInput(input, reader)
  const ids = 'messages' in input ? tokenizer.encode(text) : encodePrompt(text, reader)
  if (ids.length > 0) return ids
  if (config.bosTokenId !== undefined) return [config.bosTokenId]
  throw new EdgewardError('INVALID_INPUT', 'The prompt has no tokens, and the model has no token to begin with.')
}

function encodePrompt(text: string, { config: { addsBos, bosTokenId }, tokenizer }: PromptReader): number[] {
  if (addsBos === undefined) return tokenizer.encode(text, { addSpecial: true })
  const ids = tokenizer.encode(text)
  return addsBos && bosTokenId !== undefined && ids[0] !== bosTokenId ? [bosTokenId, ...ids] : ids
}

function checkedIds(ids: readonly number[], { config: { vocabularySize } }: PromptReader): readonly number[] {
  if (ids.length > 0 && ids.every((id) => Number.isInteger(id) && id >= 0 && id < vocabularySize)) return ids
  throw new EdgewardError(
    'INVALID_INPUT',
    `A prompt of token ids takes at least one, each a whole number from 0 to ${vocabularySize - 1}.`,
  )
}

function fitting(
  input: GenerationInput,
  all: readonly number[],
  { contextOverflow, maxTokens }: PromptOptions,
  reader: PromptReader,
): readonly number[] {
  const { contextLength, bosTokenId } = reader.config
  if (contextOverflow === 'error') throw overflow(all.length, contextLength)
  const room = contextLength - Math.max(1, Math.min(maxTokens, Math.floor(contextLength / 4)))
  if ('messages' in input) return shortened(input, room, reader) ?? thrown(overflow(all.length, contextLength))
  const beginning = all[0] === bosTokenId ? all.slice(0, 1) : []
  return [...beginning, ...all.slice(all.length - room + beginning.length)]
}

/** The chat without its oldest turns, as many as must go; undefined: its last turn does not fit either. */
function shortened(chat: ChatInput, room: number, reader: PromptReader): readonly number[] | undefined {
  const isSystem = ({ role }: ChatMessage) => role === 'system' || role === 'developer'
  const others = chat.messages.filter((message) => !isSystem(message))
  const turns = others.flatMap(({ role }, at) => (role === 'user' && at > 0 ? [at] : []))
  const from = (start: number) => {
    const kept = new Set(others.slice(start))
    return promptIds({ ...chat, messages: chat.messages.filter((one) => isSystem(one) || kept.has(one)) }, reader)
  }
  let [low, high] = [0, turns.length]
  let best: readonly number[] | undefined
  while (low < high) {
    const middle = (low + high) >> 1
    const ids = from(turns[middle] ?? 0)
    if (ids.length <= room) [best, high] = [ids, middle]
    else low = middle + 1
  }
  return best
}

/** Whether the answer opens inside of the reasoning is seen from how the prompt ends. */
function formatOf(input: GenerationInput, ids: readonly number[], { config, tokenizer }: PromptReader): TextFormat {
  const { format } = config
  if (!format?.reasoning) return format ?? {}
  const { open, close } = format.reasoning
  const written = 'messages' in input ? (continued(input) ?? '') : ''
  const ending = tokenizer.decode(ids.slice(-endTokens)).trimEnd()
  const startsInReasoning = ending.endsWith(open) || written.lastIndexOf(open) > written.lastIndexOf(close)
  return startsInReasoning ? { ...format, startsInReasoning } : format
}

/** An opening tag and the blanks behind it are no longer. */
const endTokens = 32

function thrown(error: EdgewardError): never {
  throw error
}
