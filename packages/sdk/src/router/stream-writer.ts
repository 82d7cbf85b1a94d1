/** One attempt at a stream: reads what an engine writes, and gives it on as it is asked for. */
import type { Engine, EngineAnswer, GenerationEvent, StreamRequest } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import type { Candidate } from './attempt-candidate.js'
import { describe } from './dispatch-errors.js'
import { pause } from './pause.js'
import { tokensOf, type ContentEvent, type FinishEvent, type StartEvent, type StreamAnswer } from './stream-answer.js'
import type { StreamChannel } from './stream-channel.js'
import type { RoutedEvent } from './stream-context.js'
import { patienceMs } from './stream-moves.js'
import { Pace } from './stream-pace.js'

/** What an attempt that wrote to the end came to. */
export interface WrittenEnd {
  readonly timings: EngineAnswer['timings']
  readonly finish: FinishEvent
}

/** What one attempt needs of the stream that it is a part of. */
export interface WriterParts {
  readonly candidate: Candidate
  readonly request: StreamRequest
  readonly channel: StreamChannel<RoutedEvent>
  readonly answer: StreamAnswer
  /** It has something to tell, for the first time: from now on it is the one who writes. @returns what is told before */
  takeOver(): readonly RoutedEvent[]
  /** May have somebody else write, who takes over then; resolves when it is this one's turn again. */
  considerMove(writer: StreamWriter, silentMs: number): Promise<void>
}

export class StreamWriter {
  readonly #parts: WriterParts
  readonly pace = new Pace()
  hasWritten = false

  constructor(parts: WriterParts) {
    this.#parts = parts
  }

  /** Whether an error says that it could have begun the answer, but not gone on with it. */
  refuses({ details }: EdgewardError): boolean {
    return details['resumable'] === false && this.#parts.request.resume !== undefined && !this.hasWritten
  }

  get candidate(): Candidate {
    return this.#parts.candidate
  }

  /** Somebody waits for an event when this is called. */
  async write(engine: Engine, signal: AbortSignal): Promise<WrittenEnd> {
    const { candidate, request, channel, answer } = this.#parts
    const { placement } = candidate.planned
    const stream = engine.stream?.(placement, request, signal)
    if (stream === undefined) throw new EdgewardError('INTERNAL', `${describe(placement)} cannot generate text.`)
    const reader = stream.getReader()
    const stop = () => void reader.cancel(signal.reason).catch(() => undefined) // It has ended by itself.
    signal.addEventListener('abort', stop)
    try {
      const { start, content } = await this.#first(reader, signal)
      for (const event of this.#opening(start)) await channel.send(event, signal)
      for (let event = content; ; event = await this.#content(reader, signal)) {
        if (event.type === 'finish') return { timings: event.timings, finish: event }
        await channel.send(event, signal)
        answer.add(event, placement)
        await channel.wanted(signal)
        await this.#parts.considerMove(this, 0)
        signal.throwIfAborted()
      }
    } finally {
      signal.removeEventListener('abort', stop)
      stop()
    }
  }

  /** Nothing is told before there is something of the answer. */
  async #first(reader: Reader, signal: AbortSignal) {
    let start: StartEvent = { type: 'start', format: {} }
    for (;;) {
      const event = await this.#next(reader, signal)
      if (event.type !== 'start') return { start, content: event }
      start = event
    }
  }

  #opening(start: StartEvent): readonly RoutedEvent[] {
    const { takeOver, answer } = this.#parts
    this.hasWritten = true
    const before = takeOver()
    const told = answer.begin(start)
    return told === undefined ? before : [...before, told]
  }

  async #content(reader: Reader, signal: AbortSignal): Promise<ContentEvent | FinishEvent> {
    for (;;) {
      const event = await this.#next(reader, signal)
      if (event.type !== 'start') return event
    }
  }

  async #next(reader: Reader, signal: AbortSignal): Promise<GenerationEvent> {
    const askedAt = performance.now()
    const reading = reader.read()
    const event = await this.#patiently(reading, askedAt, signal)
    signal.throwIfAborted()
    if (event.done) {
      throw new EdgewardError('INTERNAL', `The stream of ${describe(this.candidate.planned.placement)} has no end.`)
    }
    const { value } = event
    if (value.type !== 'start' && value.type !== 'finish') {
      this.pace.came(tokensOf(value), performance.now() - askedAt)
    }
    return value
  }

  /** While nothing comes, somebody else may be asked to write. */
  async #patiently(reading: Promise<Read>, askedAt: number, signal: AbortSignal): Promise<Read> {
    for (;;) {
      const ended = new AbortController()
      // An abort cancels the reader, which settles what is read.
      const waiting = pause(patienceMs(this.candidate.planned, this.hasWritten), ended.signal)
      try {
        const read = await Promise.race([reading, waiting])
        if (read !== undefined) return read
      } finally {
        ended.abort()
      }
      signal.throwIfAborted()
      await this.#parts.considerMove(this, performance.now() - askedAt)
      signal.throwIfAborted()
    }
  }
}

type Read = ReadableStreamReadResult<GenerationEvent>
type Reader = ReadableStreamDefaultReader<GenerationEvent>
