/** Generators over the fake model, and what came out of them. */
import type {
  GenerationEvent,
  GenerationInput,
  GenerationOptions,
  TextFormat,
} from '../../../../packages/sdk/src/contract/index.js'
import {
  createTextGenerator,
  type GenerationRequest,
  type TextGenerator,
  type TextGeneratorOptions,
} from '../../../../packages/sdk/src/generation/index.js'
import type { FakeModel } from './fake-model.js'
import { tinyTokenizerConfig, tinyTokenizerJson } from './tiny-tokenizer.js'

export const never = new AbortController().signal

export function generatorOf(
  model: FakeModel,
  { format, ...options }: Partial<TextGeneratorOptions> & { readonly format?: TextFormat } = {},
): TextGenerator {
  if (format) Object.assign(model.config, { format })
  return createTextGenerator({ model, tokenizer: tinyTokenizerJson, tokenizerConfig: tinyTokenizerConfig, ...options })
}

export async function collect(answer: AsyncIterable<GenerationEvent>): Promise<GenerationEvent[]> {
  const events: GenerationEvent[] = []
  for await (const event of answer) events.push(event)
  return events
}

export const idsOf = (events: readonly GenerationEvent[]) =>
  events.flatMap((event) => (event.type === 'delta' ? (event.tokenIds ?? []) : []))
export const textOf = (events: readonly GenerationEvent[]) =>
  events.map((event) => (event.type === 'delta' ? event.text : '')).join('')

/** One answer, whole. */
export async function answerOf(
  generator: TextGenerator,
  input: GenerationInput,
  options: GenerationOptions,
  resume?: GenerationRequest['resume'],
) {
  const events = await collect(generator.generate({ input, options, ...(resume && { resume }) }, never))
  const [start, finish] = [events[0], events.at(-1)]
  if (start?.type !== 'start' || finish?.type !== 'finish') throw new Error('An answer has a start and a finish.')
  return { start, finish, events, ids: idsOf(events), text: textOf(events) }
}
