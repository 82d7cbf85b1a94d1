/** What a request is dispatched with: who may be asked, for how long, and who is told what happened. */
import type { Attempt, Engine, EngineAnswer, Placement, PlannedPlacement } from '../contract/index.js'
import type { ErrorCode } from '../errors/index.js'
import type { Deadline } from './deadline.js'

/** Who can be asked: the device, and each endpoint by its address. */
export interface Engines {
  readonly device?: Engine
  readonly remotes: ReadonlyMap<string, Engine>
}

/** An attempt that has ended, in whatever way. */
export interface Tried {
  readonly placement: Placement
  /** By `performance.now()`. */
  readonly startedAt: number
  readonly durationMs: number
  /** `cancelled`: another placement answered first; `aborted`: by the caller; `DEADLINE_EXCEEDED`: still under way then. */
  readonly outcome: 'answered' | 'cancelled' | 'aborted' | ErrorCode
  /** Whether it was started beside another one that was late. */
  readonly isHedge: boolean
  /** Of an answer. */
  readonly timings?: EngineAnswer['timings']
  /** Of a failure. */
  readonly message?: string
  /** Of a refusal that said when to come back. */
  readonly retryAfterMs?: number
}

/** When a second placement may start beside one that is late. */
export interface Hedging {
  /** How long to wait for a placement, in milliseconds; undefined: for as long as it takes. */
  delayMs(planned: PlannedPlacement): number | undefined
  /** Whether a placement may be the second one; absent: each may. */
  mayAsk?(placement: Placement): boolean
  /** Asked just before a hedge starts, which it does when this is true. */
  mayHedge(): boolean
  onHedge(first: Placement, second: Placement): void
}

export interface DispatchContext {
  /** The engines that this request may reach. One that policy forbids is not among them. */
  readonly engines: Engines
  /** One for all attempts; its signal is also the caller's. */
  readonly deadline: Deadline
  /** When the request came in, by `performance.now()`. */
  readonly startedAt: number
  /** Absent: one placement at a time. */
  readonly hedge?: Hedging
  /** A placement failed, and another one is tried or goes on. */
  onFallback(attempt: Attempt): void
  /** An attempt has ended. */
  onTried(tried: Tried): void
}
