/** Engines that write a known text piece by piece, and what the tests of streams read of them. */
import { onTestFinished } from 'vitest'
import type {
  Attempt,
  Engine,
  GenerationEvent,
  GenerationOptions,
  Placement,
  PlannedPlacement,
  Segment,
  StreamRequest,
  TextFormat,
} from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError, type ErrorCode } from '../../../packages/sdk/src/errors/index.js'
import { Deadline, type Engines, type Tried } from '../../../packages/sdk/src/router/index.js'
import {
  dispatchStream,
  type RoutedEvent,
  type StreamContext,
  type StreamMove,
} from '../../../packages/sdk/src/router/streams.js'
import { neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { elsewhere, nameOf, planOf, remote, type Name } from './dispatching.js'

export const words = 'The quick brown fox jumps over the lazy dog, and a stream goes on where it stopped. '

/** What an engine does one time. */
export interface Writing {
  /** Characters of a delta; one token each. Absent: 4. */
  readonly size?: number
  /** Whether it tells its ids: the characters' codes. Absent: yes. */
  readonly ids?: boolean
  /** After so many characters of its own it fails, or hangs. Absent: it writes to the end. */
  readonly cut?: { readonly after: number; readonly by: ErrorCode | 'hang'; readonly resumable?: false }
  /** Milliseconds before each of its events. */
  readonly ms?: number
  readonly format?: TextFormat
  /** Instead of deltas. */
  readonly events?: readonly GenerationEvent[]
  /** It does not listen to its signal. */
  readonly deaf?: boolean
}

export interface Asked {
  readonly name: Name
  readonly request: StreamRequest
  /** How many events were asked of it. */
  pulls: number
  isCancelled: boolean
}

export const request: StreamRequest = {
  model: 'model',
  task: 'text-generation',
  input: { prompt: 'Once' },
  options: { seed: 1 },
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** What goes on from `resume`, event by event. */
async function* writingOf(text: string, writing: Writing, { resume }: StreamRequest): AsyncGenerator<GenerationEvent> {
  const { size = 4, ids = true, cut, ms = 0, format = {}, events } = writing
  const pace = () => (ms > 0 ? wait(ms) : undefined)
  const from = resume?.text.length ?? 0
  if (resume && !text.startsWith(resume.text)) throw new EdgewardError('INTERNAL', `goes on from ${resume.text}`)
  yield { type: 'start', format, promptTokens: 3, ...(ids && { promptIds: [1, 2, 3] }) }
  for (const event of events ?? []) {
    await pace()
    yield event
  }
  const end = events ? from : text.length
  for (let at = from; at < end;) {
    const next = Math.min(at + size, end, ...(cut && cut.after > at - from ? [from + cut.after] : []))
    if (cut !== undefined && at - from >= cut.after) await cutOff(cut)
    await pace()
    const piece = text.slice(at, next)
    yield { type: 'delta', text: piece, ...(ids && { tokenIds: Array.from(piece, (each) => each.charCodeAt(0)) }) }
    at = next
  }
  if (cut) await cutOff(cut)
  await pace()
  yield { type: 'finish', reason: 'stop', usage: { completionTokens: end - from }, timings: { inferenceMs: 1 } }
}

async function cutOff({ by, resumable }: NonNullable<Writing['cut']>): Promise<void> {
  if (by === 'hang') await new Promise(() => undefined)
  const details = resumable === undefined ? {} : { resumable }
  throw new EdgewardError(by as ErrorCode, `cut by ${by}`, { details })
}

interface SetUp {
  readonly text?: string
  readonly signal?: AbortSignal
  readonly deadlineMs?: number
  readonly options?: Partial<GenerationOptions>
  readonly input?: StreamRequest['input']
  readonly context?: Partial<StreamContext>
}

/** A stream over engines that behave so, time after time, and then as the last. */
export function stream(
  placements: readonly (Placement | PlannedPlacement)[],
  behaviours: Partial<Record<Name, Writing | readonly Writing[]>>,
  { text = words, signal = neverAborted(), deadlineMs = Infinity, options, input, context }: SetUp = {},
) {
  const asked: Asked[] = []
  const tried: Tried[] = []
  const told: Attempt[] = []
  const moves: StreamMove[] = []
  const open: Engine['stream'] = (placement, what, own) => {
    const name = nameOf(placement)
    const times = asked.filter((each) => each.name === name).length
    const mine = [behaviours[name] ?? {}].flat()
    const writing = mine[Math.min(times, mine.length - 1)] ?? {}
    const entry: Asked = { name, request: what, pulls: 0, isCancelled: false }
    asked.push(entry)
    return streamOf(writingOf(text, writing, what), entry, writing.deaf ? neverAborted() : own)
  }
  const engine = (kind: Placement['engine']): Engine => ({
    kind,
    prepare: () => Promise.resolve(),
    run: () => Promise.reject(new Error('not to be run')),
    stream: open,
    dispose: () => Promise.resolve(),
  })
  const remotes = new Map([remote, elsewhere].map(({ endpoint }) => [endpoint, engine('remote')]))
  const engines: Engines = { device: engine('device'), remotes }
  const startedAt = performance.now()
  const deadline = new Deadline(deadlineMs, startedAt, signal)
  onTestFinished(() => deadline.dispose())
  const events = dispatchStream(
    planOf(placements),
    { ...request, ...(input && { input }), options: { ...request.options, ...options } },
    {
      engines,
      deadline,
      startedAt,
      onSeam: 'restart',
      onFallback: (attempt) => void told.push(attempt),
      onTried: (each) => void tried.push(each),
      onMoved: (move) => void moves.push(move),
      ...context,
    },
  )
  const ends = () => tried.map(({ placement, outcome }) => [nameOf(placement), outcome])
  return { events, asked, tried, told, moves, ends }
}

function streamOf(source: AsyncGenerator<GenerationEvent>, entry: Asked, signal: AbortSignal) {
  const cancel = () => void (entry.isCancelled = true)
  signal.addEventListener('abort', cancel)
  const next = async (controller: ReadableStreamDefaultController<GenerationEvent>) => {
    entry.pulls += 1
    const { done, value } = await source.next()
    if (entry.isCancelled) return
    if (done) controller.close()
    else controller.enqueue(value)
  }
  return new ReadableStream<GenerationEvent>({ pull: next, cancel }, { highWaterMark: 0 })
}

/** What a reader has when it has read to the end. */
export interface ReadAnswer {
  readonly text: string
  readonly seen: readonly RoutedEvent[]
  readonly segments: readonly Segment[]
  readonly error?: unknown
}

export async function readAll(events: ReadableStream<RoutedEvent>): Promise<ReadAnswer> {
  const seen: RoutedEvent[] = []
  let text = ''
  let segments: readonly Segment[] = []
  const end = (error?: unknown) => ({ text, seen, segments, ...(error !== undefined && { error }) })
  const reader = events.getReader()
  for (;;) {
    try {
      const { done, value } = await reader.read()
      if (done) return end()
      seen.push(value)
      if (value.type === 'delta') text += value.text
      if (value.type === 'restart') text = ''
      if (value.type === 'finish') segments = value.segments
    } catch (error) {
      return end(error)
    }
  }
}

/** Where the answer was written, in short. */
export function placesOf(seen: readonly RoutedEvent[]): string[] {
  return seen.flatMap((event) => (event.type === 'placement' ? [nameOf(event.placement)] : []))
}
