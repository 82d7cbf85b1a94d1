/** Writes one answer: from what is asked to its last token. */
import type {
  FinishReason,
  GenerationEvent,
  GenerationInput,
  GenerationOptions,
  GenerationResume,
} from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { AnswerClock } from './answer-clock.js'
import { AnswerWriter } from './answer-writer.js'
import { reusable, type CachedSequence } from './cached-sequence.js'
import type { Constraint, ConstraintFactory } from './constraint.js'
import { overflow } from './context-overflow.js'
import { ContextWindow } from './context-window.js'
import { Decoder } from './decoder.js'
import { preparePrompt, within, type Prompt, type PromptReader } from './prepare-prompt.js'
import { resolveGenerationOptions, type ResolvedGenerationOptions } from './resolve-options.js'
import { readResume } from './resume.js'
import { Sampler } from './sampling/sampler.js'
import type { SequencePool } from './sequence-pool.js'

export interface GenerationRequest {
  readonly input: GenerationInput
  readonly options: GenerationOptions
  /** What is written already; none of it comes again. */
  readonly resume?: GenerationResume
}

/** What all answers of a model are written with. */
export interface AnswerContext {
  readonly reader: PromptReader
  readonly pool: SequencePool
  readonly constrain: ConstraintFactory | undefined
  readonly now: () => number
}

type Events<End> = AsyncGenerator<GenerationEvent, End, undefined>
type FinishEvent = Extract<GenerationEvent, { type: 'finish' }>

/** As `TextGenerator.generate`. */
export async function* writeAnswer(
  context: AnswerContext,
  request: GenerationRequest,
  signal: AbortSignal,
): Events<void> {
  signal.throwIfAborted()
  const clock = new AnswerClock(context.now)
  const task = prepareTask(context, request)
  clock.prepared()
  const waits = context.pool.isExhausted
  const sequence = await context.pool.borrow(task.window.view(task.ids), signal)
  if (waits) clock.waited()
  const cached = reusable(sequence.ids, task.window.view(task.ids))
  let constraint: Constraint | undefined
  let finish: FinishEvent
  try {
    // Who asks for what cannot be made hears of it before anything has begun.
    constraint = await constraintFor(context, request, signal)
    yield startEvent(task, cached)
    finish = yield* decode({ ...context, task, sequence, cached, constraint, clock, signal })
  } finally {
    constraint?.dispose()
    context.pool.giveBack(sequence)
  }
  yield finish // The sequence is free for the next turn by now, even if nobody reads on.
}

/** What is asked, in the model's own terms. */
interface Task {
  readonly options: ResolvedGenerationOptions
  readonly prompt: Prompt
  /** The prompt's, and those of the answer so far. */
  readonly ids: readonly number[]
  readonly answered: readonly number[]
  readonly window: ContextWindow
  /** What is written of the answer, and how many tokens it took. */
  readonly text: string
  readonly usedTokens: number
}

function prepareTask({ reader }: AnswerContext, { input, options: given, resume }: GenerationRequest): Task {
  const options = resolveGenerationOptions(given)
  const resumed = resume && readResume(resume, within(reader, options).tokenizer)
  const read = preparePrompt(input, options, reader)
  const promptIds = resumed?.promptIds ?? read.ids
  const answered = resumed?.ids ?? []
  const ids = [...promptIds, ...answered]
  const { contextLength } = reader.config
  if (options.contextOverflow === 'error' && ids.length > contextLength) throw overflow(ids.length, contextLength)
  return {
    options,
    prompt: { ...read, ids: promptIds },
    ids,
    answered,
    window: new ContextWindow(promptIds.length, contextLength),
    text: resume?.text ?? '',
    usedTokens: resume?.usedTokens ?? 0,
  }
}

function startEvent({ prompt }: Task, cached: number): GenerationEvent {
  const cachedTokens = Math.min(cached, prompt.ids.length)
  return { type: 'start', format: prompt.format, promptTokens: prompt.ids.length, cachedTokens, promptIds: prompt.ids }
}

async function constraintFor(
  { constrain, reader }: AnswerContext,
  { input, options }: GenerationRequest,
  signal: AbortSignal,
): Promise<Constraint | undefined> {
  if (constrain) {
    const constraint = await constrain({ input, options }, reader.tokenizer)
    if (signal.aborted) constraint?.dispose()
    signal.throwIfAborted()
    return constraint
  }
  const { responseFormat = { type: 'text' }, toolChoice = 'auto' } = options
  if (responseFormat.type === 'text' && (toolChoice === 'auto' || toolChoice === 'none')) return undefined
  const message = 'This generator cannot make answers follow a format or call a tool: it was made without `constrain`.'
  throw new EdgewardError('MODEL_UNSUPPORTED', message)
}

interface DecodeContext extends AnswerContext {
  readonly task: Task
  readonly sequence: CachedSequence
  /** How many tokens were in its cache. */
  readonly cached: number
  readonly constraint: Constraint | undefined
  readonly clock: AnswerClock
  readonly signal: AbortSignal
}

/** @returns how it ended */
async function* decode(context: DecodeContext): Events<FinishEvent> {
  const { task, reader, constraint, clock, signal } = context
  const { maxTokens, stops, contextOverflow } = task.options
  const decoder = createDecoder(context)
  const writer = new AnswerWriter(reader.tokenizer, stops, task.text)
  let made = 0
  const room = contextOverflow === 'slide' ? Infinity : reader.config.contextLength - task.ids.length
  const limit = Math.min(maxTokens - task.usedTokens, room)
  const finish = (reason: FinishReason) => finishEvent(context, decoder, made, reason)

  while (made < limit) {
    signal.throwIfAborted()
    const choices = made === 0 ? await clock.first(() => decoder.begin()) : await decoder.next(limit - made)
    for (const choice of choices) {
      made += 1
      const isEnd = reader.config.eosTokenIds.includes(choice.id)
      const { deltas, isStopped } = isEnd ? { deltas: writer.flush(), isStopped: true } : writer.push(choice)
      yield* deltas
      if (!isStopped && !constraint?.isComplete) continue
      yield* writer.flush()
      return finish('stop')
    }
  }
  yield* writer.flush()
  return finish('length')
}

function createDecoder({ task, reader, sequence, constraint, now, signal }: DecodeContext): Decoder {
  const { options, prompt, answered, ids, window } = task
  const { vocabularySize, contextLength, eosTokenIds } = reader.config
  const textOf = (id: number) => reader.tokenizer.decode([id])
  const sampler = new Sampler(options, { promptIds: prompt.ids, textOf, constraint })
  for (const id of answered) sampler.accept(id)
  return new Decoder({
    sequence,
    sampler,
    ids,
    window,
    vocabularySize,
    contextLength,
    isEnd: (id) => eosTokenIds.includes(id),
    // Checking several tokens at once rounds a little differently, which may change what is drawn, but hardly what is likeliest.
    usesLookup: options.promptLookup === 'auto' && options.temperature === 0 && !constraint,
    now,
    signal,
  })
}

function finishEvent(
  { task, cached, clock }: DecodeContext,
  decoder: Decoder,
  made: number,
  reason: FinishReason,
): FinishEvent {
  const droppedTokens = task.prompt.dropped + decoder.dropped
  const promptTokens = task.prompt.ids.length
  return {
    type: 'finish',
    reason,
    usage: {
      promptTokens,
      cachedTokens: Math.min(cached, promptTokens),
      completionTokens: task.usedTokens + made,
      ...(droppedTokens > 0 && { droppedTokens }),
    },
    timings: clock.timings(task.ids.length - task.window.dropped(task.ids.length) - cached, made, decoder),
  }
}
