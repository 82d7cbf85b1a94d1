/** The attempts of one request: which placement is next, what each came to, and who is told. */
import type { Attempt, Engine, EngineAnswer, Placement, Plan, PlannedPlacement } from '../contract/index.js'
import { messageOf, toEdgewardError, type EdgewardError } from '../errors/index.js'
import { abortable } from '../shared/index.js'
import { afterFailure, afterLoss, isWorkerReplaced, replayOf, withReplay } from './after-failure.js'
import type { Candidate } from './attempt-candidate.js'
import type { DispatchContext, Engines, Tried } from './dispatch-context.js'
import { describe } from './dispatch-errors.js'
import { placementName } from './plan-input.js'
import { Retries } from './retry.js'

/** What is done at a placement. */
export type Work<V> = (engine: Engine, planned: PlannedPlacement, signal: AbortSignal) => Promise<V>

/** How an attempt has ended. `stopped`: by the caller, the deadline or a faster placement. */
export type Ended<V> =
  | { readonly kind: 'answered'; readonly candidate: Candidate; readonly value: V }
  | { readonly kind: 'failed'; readonly candidate: Candidate; readonly error: EdgewardError }
  | { readonly kind: 'stopped'; readonly candidate: Candidate }

/** An attempt beside which another one may start. */
export interface Running<V> {
  /** Never rejects. */
  readonly ended: Promise<Ended<V>>
  cancel(): void
}

export class Attempts<V extends { readonly timings?: EngineAnswer['timings'] }> {
  /** Oldest end first; those that the deadline ended are among them, those that a faster one stopped are not. */
  readonly failed: Attempt[] = []
  readonly errors: EdgewardError[] = []
  readonly #context: DispatchContext
  readonly #work: Work<V>
  readonly #retries: Retries
  #waiting: Candidate[]
  #isReplayed = false
  #told = 0

  constructor(plan: Plan, context: DispatchContext, work: Work<V>) {
    this.#context = context
    this.#work = work
    this.#retries = new Retries(context)
    this.#waiting = plan.placements.flatMap((planned) => {
      const engine = engineOf(context.engines, planned.placement)
      return engine ? [{ planned, engine }] : []
    })
  }

  /** Takes the placement that is tried next; when there is none, an endpoint that is asked again. */
  next(): Candidate | undefined {
    return this.#waiting.shift() ?? this.#retries.next()
  }

  /** Whether {@link nextBeside} would find one. */
  hasBeside({ engine }: Candidate): boolean {
    return this.#waiting.some((candidate) => this.#isReadyBeside(candidate, engine))
  }

  /** Takes the placement that may start beside `first`: on another engine, and ready, since a download helps nobody now. */
  nextBeside({ engine }: Candidate): Candidate | undefined {
    return this.#take((candidate) => this.#isReadyBeside(candidate, engine))
  }

  /** The device's placements that could start beside an endpoint, once they are ready. */
  comingBeside({ planned }: Candidate): readonly Placement[] {
    if (planned.placement.engine === 'device') return []
    return this.#waiting.map(placementOf).filter(({ engine }) => engine === 'device')
  }

  /** Takes a placement that has become ready. */
  takeReady(placement: Placement): Candidate | undefined {
    const name = placementName(placement)
    return this.#take((candidate) => placementName(placementOf(candidate)) === name)
  }

  /** Tells of failures after which something else is tried, or goes on. */
  tellFallback(): void {
    for (const attempt of this.failed.slice(this.#told)) this.#context.onFallback(attempt)
    this.#told = this.failed.length
  }

  /** Begins an attempt that can be cancelled. */
  start(candidate: Candidate, isHedge: boolean): Running<V> {
    const own = new AbortController()
    const signal = AbortSignal.any([this.#context.deadline.signal, own.signal])
    const cancel = () => own.abort(new DOMException('Another placement answered first.', 'AbortError'))
    return { ended: this.try(candidate, signal, isHedge), cancel }
  }

  /** Never rejects. */
  async try(candidate: Candidate, signal = this.#context.deadline.signal, isHedge = false): Promise<Ended<V>> {
    const placement = placementOf(candidate)
    if (candidate.again?.kind === 'replay') this.#context.onReplay?.(placement)
    const startedAt = performance.now()
    const tell = (tried: Pick<Tried, 'outcome' | 'timings' | 'message' | 'details' | 'retryAfterMs'>) =>
      this.#context.onTried({ placement, startedAt, durationMs: performance.now() - startedAt, isHedge, ...tried })
    try {
      // Whatever an engine waits for, the caller's abort ends the request at once.
      const value = await abortable(this.#work(candidate.engine, candidate.planned, signal), signal)
      this.#retries.answered(candidate)
      tell({ outcome: 'answered', ...(value.timings && { timings: value.timings }) })
      return { kind: 'answered', candidate, value }
    } catch (thrown) {
      if (signal.aborted) {
        tell({ outcome: this.#stopped(placement, startedAt) })
        return { kind: 'stopped', candidate }
      }
      const error = toEdgewardError(thrown, 'INTERNAL', `An unexpected error on ${describe(placement)}`)
      this.#addFailure(candidate, error, startedAt)
      const { code: outcome, message, details } = error
      tell({ outcome, message, details, ...retryAfter(error) })
      return { kind: 'failed', candidate, error }
    }
  }

  #isReadyBeside({ engine, planned }: Candidate, first: Engine): boolean {
    if (engine === first || planned.readiness !== 'ready') return false
    return this.#context.hedge?.mayAsk?.(planned.placement) ?? true
  }

  #stopped(placement: Placement, startedAt: number): Tried['outcome'] {
    const { deadline } = this.#context
    if (!deadline.signal.aborted) return 'cancelled'
    if (!deadline.isOver) return 'aborted'
    const error = deadline.exceeded()
    this.failed.push(toAttempt(placement, error, startedAt))
    return error.code
  }

  #addFailure(candidate: Candidate, error: EdgewardError, startedAt: number): void {
    this.errors.push(error)
    this.failed.push(toAttempt(placementOf(candidate), error, startedAt))
    const waiting = error.isReplayed ? this.#waiting.map((other) => afterLoss(other, error)) : this.#waiting
    if (error.isReplayed && !this.#isReplayed) {
      this.#isReplayed = true
      this.#waiting = withReplay(waiting, candidate, (other) => this.#mayComeFirst(other, candidate, error))
      return
    }
    this.#waiting = afterFailure(waiting, candidate, error)
    if (isWorkerReplaced(error) && !this.#isReplayed) {
      this.#isReplayed = true
      this.#waiting.push(replayOf(candidate))
    }
    this.#retries.failed(candidate, error)
  }

  /** Who has waited for a device that hung does not wait for another one like it. */
  #mayComeFirst(candidate: Candidate, lost: Candidate, { details }: EdgewardError): boolean {
    const waitsForDevice = this.#context.waitsForDevice === true && details['hung'] !== true
    return !waitsForDevice && this.#isReadyBeside(candidate, lost.engine)
  }

  #take(isWanted: (candidate: Candidate) => boolean): Candidate | undefined {
    const at = this.#waiting.findIndex(isWanted)
    return at < 0 ? undefined : this.#waiting.splice(at, 1)[0]
  }
}

function placementOf({ planned }: Candidate): Placement {
  return planned.placement
}

/** Who is asked for a placement, where this request may reach it. */
export function engineOf({ device, remotes }: Engines, placement: Placement): Engine | undefined {
  return placement.engine === 'device' ? device : remotes.get(placement.endpoint)
}

function retryAfter({ details }: EdgewardError): Pick<Tried, 'retryAfterMs'> {
  const { retryAfterMs } = details
  return typeof retryAfterMs === 'number' ? { retryAfterMs } : {}
}

function toAttempt(placement: Placement, error: EdgewardError, startedAt: number): Attempt {
  const { code, message, details, cause } = error
  const because = cause === undefined ? {} : { cause: messageOf(cause) }
  return { placement, code, message, details, ...because, durationMs: performance.now() - startedAt }
}
