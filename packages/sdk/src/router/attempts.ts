/** The attempts of one request: which placement is next, what each came to, and who is told. */
import type { Attempt, Engine, EngineAnswer, Placement, Plan, PlannedPlacement } from '../contract/index.js'
import { toEdgewardError, type EdgewardError } from '../errors/index.js'
import { abortable } from '../shared/index.js'
import type { DispatchContext, Engines, Tried } from './dispatch-context.js'
import { describe } from './dispatch-errors.js'

/** A placement that can be tried, and who is asked. */
export interface Candidate {
  readonly planned: PlannedPlacement
  readonly engine: Engine
}

/** What is done at a placement. */
export type Work<V> = (engine: Engine, placement: Placement, signal: AbortSignal) => Promise<V>

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
  readonly #waiting: Candidate[]
  readonly #exhausted = new Set<Engine>()
  #told = 0

  constructor(plan: Plan, context: DispatchContext, work: Work<V>) {
    this.#context = context
    this.#work = work
    this.#waiting = plan.placements.flatMap((planned) => {
      const engine = engineOf(context.engines, planned.placement)
      return engine ? [{ planned, engine }] : []
    })
  }

  /** Takes the placement that is tried next. */
  next(): Candidate | undefined {
    return this.#take(() => true)
  }

  /** Whether {@link nextBeside} would find one. */
  hasBeside({ engine }: Candidate): boolean {
    return this.#waiting.some((candidate) => this.#isReadyBeside(candidate, engine))
  }

  /** Takes the placement that may start beside `first`: on another engine, and ready, since a download helps nobody now. */
  nextBeside({ engine }: Candidate): Candidate | undefined {
    return this.#take((candidate) => this.#isReadyBeside(candidate, engine))
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
    const { engine, planned } = candidate
    const { placement } = planned
    const startedAt = performance.now()
    const tell = (tried: Pick<Tried, 'outcome' | 'timings' | 'message' | 'retryAfterMs'>) =>
      this.#context.onTried({ placement, startedAt, durationMs: performance.now() - startedAt, isHedge, ...tried })
    try {
      // Whatever an engine waits for, the caller's abort ends the request at once.
      const value = await abortable(this.#work(engine, placement, signal), signal)
      tell({ outcome: 'answered', ...(value.timings && { timings: value.timings }) })
      return { kind: 'answered', candidate, value }
    } catch (thrown) {
      if (signal.aborted) {
        tell({ outcome: this.#stopped(placement, startedAt) })
        return { kind: 'stopped', candidate }
      }
      const error = toEdgewardError(thrown, 'INTERNAL', `An unexpected error on ${describe(placement)}`)
      this.#addFailure(candidate, error, startedAt)
      tell({ outcome: error.code, message: error.message, ...retryAfter(error) })
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

  #addFailure({ engine, planned }: Candidate, error: EdgewardError, startedAt: number): void {
    if (error.fallback === 'engine') this.#exhausted.add(engine)
    this.errors.push(error)
    this.failed.push(toAttempt(planned.placement, error, startedAt))
  }

  #take(isWanted: (candidate: Candidate) => boolean): Candidate | undefined {
    const at = this.#waiting.findIndex((candidate) => !this.#exhausted.has(candidate.engine) && isWanted(candidate))
    return at < 0 ? undefined : this.#waiting.splice(at, 1)[0]
  }
}

function engineOf({ device, remotes }: Engines, placement: Placement): Engine | undefined {
  return placement.engine === 'device' ? device : remotes.get(placement.endpoint)
}

function retryAfter({ details }: EdgewardError): Pick<Tried, 'retryAfterMs'> {
  const { retryAfterMs } = details
  return typeof retryAfterMs === 'number' ? { retryAfterMs } : {}
}

function toAttempt(placement: Placement, { code, message, details }: EdgewardError, startedAt: number): Attempt {
  return { placement, code, message, details, durationMs: performance.now() - startedAt }
}
