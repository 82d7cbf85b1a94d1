/** Writes one answer of text, at one placement after the other where it must: the stream outlives whoever writes it. */
import type { Engine, Placement, Plan, PlannedPlacement, StreamRequest } from '../contract/index.js'
import type { EdgewardError } from '../errors/index.js'
import { createDeferred, type Deferred } from '../shared/index.js'
import type { Candidate } from './attempt-candidate.js'
import { Attempts, engineOf, type Ended, type Running } from './attempts.js'
import type { Tried } from './dispatch-context.js'
import { endOf, throwIfOver } from './dispatch.js'
import { describe, nobodyAnswered } from './dispatch-errors.js'
import { seamAt } from './handover.js'
import { isFinal } from './hedged-attempt.js'
import { pause } from './pause.js'
import { StreamAnswer, type FinishEvent } from './stream-answer.js'
import { plannedStreams, StreamCandidates } from './stream-candidates.js'
import { StreamChannel } from './stream-channel.js'
import type { RoutedEvent, StreamContext, StreamMove } from './stream-context.js'
import { StreamMover, type Move } from './stream-mover.js'
import { StreamWriter, type WrittenEnd } from './stream-writer.js'

/**
 * Nothing is asked of an engine that nobody reads; cancelling the stream ends whoever writes.
 *
 * It errors as `dispatch` rejects, and where an answer could only begin again and may not, as if nobody else could answer.
 */
export function dispatchStream(
  plan: Plan,
  request: StreamRequest,
  context: StreamContext,
): ReadableStream<RoutedEvent> {
  return new StreamDispatch(plan, request, context).stream
}

type Failed = Extract<Ended<WrittenEnd>, { kind: 'failed' }>

class StreamDispatch {
  readonly #plan: Plan
  readonly #request: StreamRequest
  readonly #context: StreamContext
  readonly #channel = new StreamChannel<RoutedEvent>()
  readonly #answer: StreamAnswer
  readonly #attempts: Attempts<WrittenEnd>
  readonly #candidates: StreamCandidates
  readonly #mover: StreamMover
  readonly #writers = new Map<PlannedPlacement, StreamWriter>()
  readonly #running = new Set<Running<WrittenEnd>>()
  /** Who writes now, and how it ends. */
  #current: Running<WrittenEnd> | undefined
  #ended: Deferred<Ended<WrittenEnd>> = createDeferred()
  /** Who wrote last, and why it does not any more. */
  #from: Placement | undefined
  #why: Pick<StreamMove, 'why' | 'reason'> | undefined
  /** Whether what was written is void as soon as somebody writes. */
  #isRestart = false
  /** Whether somebody has gone on with what somebody else wrote. */
  #isMoved = false
  #firstTokenMs = 0

  constructor(plan: Plan, request: StreamRequest, context: StreamContext) {
    const { deadline, engines } = context
    this.#plan = plannedStreams(plan, (placement) => engineOf(engines, placement)?.stream !== undefined)
    this.#request = deadline.at === Infinity ? request : { ...request, deadlineAt: deadline.at }
    this.#context = context
    this.#answer = new StreamAnswer('messages' in request.input && (request.input.tools?.length ?? 0) > 0)
    const tried = { ...context, onTried: (end: Tried) => this.#tried(end) }
    this.#attempts = new Attempts<WrittenEnd>(this.#plan, tried, (...asked) => this.#write(...asked))
    this.#candidates = new StreamCandidates(this.#attempts, (candidate) => this.#seamOf(candidate))
    this.#mover = new StreamMover({
      ...{ context, request, answer: this.#answer, candidates: this.#candidates },
      start: (candidate, move) => this.#start(candidate, move),
      onFailed: (ended) => {
        this.#candidates.failed(ended, this.#isRefusal(ended))
        this.#attempts.tellFallback()
      },
    })
    this.#channel.cancelled.addEventListener('abort', () => {
      for (const running of this.#running) running.cancel()
    })
    void this.#run()
  }

  get stream(): ReadableStream<RoutedEvent> {
    return this.#channel.stream
  }

  async #run(): Promise<void> {
    const { deadline } = this.#context
    const ending = AbortSignal.any([deadline.signal, this.#channel.cancelled])
    try {
      await this.#channel.wanted(ending)
      const finish = await this.#writeAll(ending)
      const moved = this.#isMoved ? { firstTokenMs: this.#firstTokenMs } : undefined
      await this.#channel.send(this.#answer.finishOf(finish, this.#attempts.failed, moved), ending)
      this.#channel.close()
    } catch (error) {
      this.#channel.fail(error)
    } finally {
      this.#mover.dispose()
    }
  }

  async #writeAll(ending: AbortSignal): Promise<FinishEvent> {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#attempts.tellFallback()
      if (next.again?.kind === 'retry') await pause(next.again.dueAt - performance.now(), ending)
      this.#throwIfOver()
      const { maxTokens } = this.#request.options
      if (!this.#isRestart && this.#answer.hasAll(maxTokens))
        return { type: 'finish', reason: 'length', usage: {}, timings: {} }
      const ended = await this.#writeAt(next)
      if (ended.kind === 'answered') return ended.value.finish
      this.#throwIfOver()
      if (ended.kind === 'failed') this.#failed(ended)
    }
    throw this.#nobody()
  }

  #throwIfOver(): void {
    throwIfOver(this.#context, this.#attempts)
    this.#channel.cancelled.throwIfAborted()
  }

  /** Who goes on; where nobody can, who begins again. */
  #next(): Candidate | undefined {
    const next = this.#candidates.next()
    const [seam] = this.#candidates.seams
    if (next !== undefined || seam === undefined || this.#context.onSeam === 'error') return next
    const { reason = 'The answer broke off' } = this.#why ?? {}
    this.#why = { why: 'failure', reason: `${reason}; nobody else can go on with it: ${seam.why}` }
    this.#isRestart = true
    this.#candidates.beginAgain()
    return this.#candidates.next()
  }

  #seamOf({ planned }: Candidate): string | undefined {
    return this.#isRestart ? undefined : seamAt(planned, this.#answer, this.#request)
  }

  /** How whoever wrote last has ended: that may be somebody else by then. */
  #writeAt(candidate: Candidate): Promise<Ended<WrittenEnd>> {
    this.#ended = createDeferred()
    this.#follow(this.#start(candidate))
    return this.#ended.promise
  }

  #follow(running: Running<WrittenEnd>): void {
    this.#current = running
    const { resolve } = this.#ended
    void running.ended.then((ended) => {
      if (this.#current === running) resolve(ended)
    })
  }

  /** @param move - what it is begun for: whoever writes now goes on when it fails */
  #start(candidate: Candidate, move?: Move): Running<WrittenEnd> {
    const { resume } = this.#answer
    const writer = new StreamWriter({
      candidate,
      request: this.#isRestart || resume === undefined ? this.#request : { ...this.#request, resume },
      channel: this.#channel,
      answer: this.#answer,
      takeOver: () => {
        if (move !== undefined) this.#moveTo(running, move)
        return this.#beginAt(candidate.planned.placement)
      },
      considerMove: async (who, silentMs) => {
        if (move?.isOver !== false) await this.#mover.consider(who, silentMs)
      },
    })
    this.#writers.set(candidate.planned, writer)
    const running = this.#attempts.start(candidate, false)
    this.#running.add(running)
    void running.ended.then(() => this.#running.delete(running))
    return running
  }

  #write(engine: Engine, planned: PlannedPlacement, signal: AbortSignal): Promise<WrittenEnd> {
    const writer = this.#writers.get(planned)
    return writer === undefined ? Promise.reject(new TypeError('not begun')) : writer.write(engine, signal)
  }

  /** Whoever wrote so far stops. */
  #moveTo(running: Running<WrittenEnd>, move: Move): void {
    const before = this.#current
    this.#why = move
    this.#follow(running)
    before?.cancel()
    move.taken()
  }

  /** What the reader hears before somebody begins to write. */
  #beginAt(to: Placement): readonly RoutedEvent[] {
    const from = this.#from
    const { isBegun } = this.#answer
    const { why = 'failure', reason = '' } = this.#why ?? {}
    const isRestart = this.#isRestart && isBegun
    if (!isBegun || isRestart) this.#firstTokenMs = performance.now() - this.#context.startedAt
    if (isRestart) this.#answer.clear()
    this.#isMoved = isBegun && !isRestart
    this.#isRestart = false
    this.#why = undefined
    this.#from = to
    if (!isBegun || from === undefined) return [{ type: 'placement', placement: to }]
    this.#context.onMoved?.({ from, to, why, isRestart, reason })
    const moved = { type: 'placement', placement: to, reason } as const
    return isRestart ? [{ type: 'restart', reason }, moved] : [moved]
  }

  /** @throws EdgewardError where nobody else would answer better */
  #failed(ended: Failed): void {
    const { candidate, error } = ended
    this.#why ??= { why: 'failure', reason: `${describe(candidate.planned.placement)} failed with ${error.code}` }
    const isRefusal = this.#isRefusal(ended)
    this.#candidates.failed(ended, isRefusal)
    if (isFinal(ended) && !isRefusal) throw endOf(error, this.#context, this.#attempts)
  }

  #isRefusal({ candidate, error }: Failed): boolean {
    return this.#writers.get(candidate.planned)?.refuses(error) ?? false
  }

  #nobody(): EdgewardError {
    const { failed, errors } = this.#attempts
    const ruledOut = [...this.#plan.ruledOut, ...this.#candidates.ruledOut]
    return nobodyAnswered({ ...this.#plan, ruledOut }, failed, errors)
  }

  /** Who was read no more has not lost against another one. */
  #tried(tried: Tried): void {
    const isLeft = tried.outcome === 'cancelled' && this.#channel.cancelled.aborted
    const writer = [...this.#writers].findLast(([{ placement }]) => placement === tried.placement)?.[1]
    this.#context.onTried({
      ...tried,
      ...(isLeft && { outcome: 'aborted' }),
      ...(writer && { pace: writer.pace.measured }),
    })
  }
}
