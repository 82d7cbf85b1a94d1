/** What a request is dispatched with: who may be asked, for how long, and who is told what happened. */
import type { Attempt, Engine, EngineAnswer, Placement, PlannedPlacement } from '../contract/index.js'
import type { ErrorCode, ErrorDetails } from '../errors/index.js'
import type { Deadline } from './deadline.js'
import type { RetryBudget } from './retry-budget.js'
import type { StreamPace } from './stream-pace.js'

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
  /** Of a failure. */
  readonly details?: ErrorDetails
  /** Of a refusal that said when to come back. */
  readonly retryAfterMs?: number
  /** Of a stream. */
  readonly pace?: StreamPace
}

/** When a second placement may start beside one that is late. */
export interface Hedging {
  /** How long to wait for a placement, in milliseconds; undefined: for as long as it takes. */
  delayMs(planned: PlannedPlacement): number | undefined
  /** Whether a placement may be the second one; absent: each may. */
  mayAsk?(placement: Placement): boolean
  /** Asked just before a hedge starts, which it does when this is true. */
  mayHedge(): boolean
  /**
   * Resolves with the first of these placements of the device that is ready, now or later; never when none of them gets so,
   * and then it is forgotten as soon as `signal` aborts. An endpoint that does not answer meanwhile gets it as its second one.
   * Absent: what has to be loaded is never the second one.
   */
  becameReady?(placements: readonly Placement[], signal: AbortSignal): Promise<Placement>
  onHedge(first: Placement, second: Placement): void
}

/** How endpoints are asked again when nobody has answered; see `retry.ts`. */
export interface Retrying {
  /** One for all requests of a client. */
  readonly budget: RetryBudget
  /** Whether an endpoint may be asked again now; absent: each may. */
  mayRetry?(endpoint: string): boolean
  /** 0 to 1; absent: `Math.random`. */
  random?(): number
  /** Told before the wait. */
  onRetry?(placement: Placement, delayMs: number): void
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
  /** Absent: no endpoint is asked a second time. */
  readonly retry?: Retrying
  /**
   * Whether the device is waited for though an endpoint could answer: then one that was lost is tried again before anybody
   * else is asked. Absent: no.
   */
  readonly waitsForDevice?: boolean
  /** A placement failed, and another one is tried or goes on. */
  onFallback(attempt: Attempt): void
  /** A placement that was lost under the request is tried again. */
  onReplay?(placement: Placement): void
  /** An attempt has ended. */
  onTried(tried: Tried): void
}
