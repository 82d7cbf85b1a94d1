/** Health: what was lost and came back, and which placements rest because of it. */
import type { ErrorCode } from '../errors/index.js'

/**
 * Something that answers requests has changed.
 *
 * - `lost`: it died, hung or stopped answering; what it worked on goes elsewhere.
 * - `recovered`: it answers again.
 * - `replaced`: a fresh one took over in time, without a gap.
 */
export interface HealthChange {
  readonly part: 'worker' | 'gpu' | 'endpoint'
  readonly state: 'lost' | 'recovered' | 'replaced'
  /** Which endpoint. */
  readonly endpoint?: string
  /** For people: what happened. */
  readonly reason: string
}

/** Why a placement of the device, or all of a backend, is kept from requests for a while, as it is written down. */
export interface Setback {
  /** What ended it last: `GPU_LOST`, `OUT_OF_MEMORY`, `SESSION_FAILED`, or `WORKER_DIED` for a page that was killed. */
  readonly code: ErrorCode
  /** For people: what happened. */
  readonly reason: string
  /** How often in a row; each one doubles the time, or more. */
  readonly failures: number
  /** Until when it rests, in milliseconds since 1970. */
  readonly until: number
}

/** What the plan reads of a {@link Setback}. */
export interface RestingPlacement {
  readonly code: ErrorCode
  readonly reason: string
  readonly remainingMs: number
  /** `never`: not even when nobody else can answer, since it killed the page; `last`: when nobody else can. */
  readonly use: 'never' | 'last'
}
