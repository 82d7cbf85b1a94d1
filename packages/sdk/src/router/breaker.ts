/** A breaker: keeps requests away from an endpoint that fails, for a while, and then until it is seen to answer again. */
import type { ErrorCode } from '../errors/index.js'

/**
 * Of the first rest, in milliseconds; each further failure in a row doubles it. Envoy begins with 30 s after five failures
 * (outlier_detection.proto): it sees the requests of many users. Here one user's failure must count, and a blip must not cost
 * them the endpoint for half a minute.
 */
const firstRestMs = 500
const longestRestMs = 30_000
/** A server that asks for more is asked again all the same: it may have been mended. */
const longestRetryAfterMs = 60_000
/** No rest is longer (Envoy's cap), whatever was written down: a clock that was wrong must lock no endpoint out. */
const longestStoredMs = 300_000
/** A rest that has been over for so long says nothing any more. */
const forgottenAfterMs = 300_000

/** Failures that say something of the endpoint, and not of the request. */
const telling: ReadonlySet<unknown> = new Set<ErrorCode>(['REMOTE_UNREACHABLE', 'REMOTE_FAILED', 'REMOTE_OVERLOADED'])

/** Times are in milliseconds since 1970, so that they mean the same after a reload. */
interface Rest {
  readonly code: ErrorCode
  /** In a row. */
  readonly failures: number
  readonly since: number
  readonly until: number
}

type Closed = {
  readonly is: 'closed'
  /** More than 0 after a health check: until a request is answered, the next rest is longer than the last. */
  readonly failures: number
}
type Open = Rest & { readonly is: 'open' }

/**
 * - `closed`: requests go there.
 * - `open`: it rests, and comes last.
 * - `half-open`: the rest is over, and nobody knows whether it answers again.
 */
export type BreakerState = Closed | Open | (Rest & { readonly is: 'half-open' })

/** What a request failed with. */
export interface EndpointFailure {
  readonly code: ErrorCode
  readonly message?: string | undefined
  /** What the server asked for. */
  readonly retryAfterMs?: number | undefined
}

/** Of one endpoint. `now` is in milliseconds since 1970. */
export class Breaker {
  readonly #random: () => number
  #state: Closed | Open

  /**
   * @param random - 0 to 1: clients that failed together do not come back together
   * @param stored - what {@link toJSON} gave, perhaps of another visit; what is no such thing counts as nothing
   */
  constructor(random: () => number, stored?: unknown) {
    this.#random = random
    this.#state = isOpen(stored) ? stored : closed()
  }

  at(now: number): BreakerState {
    const state = this.#state
    if (state.is === 'closed') return state
    // Before its own beginning, the clock was put back: how much is left nobody knows.
    if (now >= state.since && now < state.until) return state
    return now - state.until > forgottenAfterMs ? closed() : { ...state, is: 'half-open' }
  }

  /** Returns whether it rests from now on. */
  failed({ code, retryAfterMs = 0 }: EndpointFailure, now: number): boolean {
    const before = this.at(now)
    // Requests that were under way when it began to rest fail too; they say nothing new.
    if (!telling.has(code) || before.is === 'open') return false
    const failures = before.failures + 1
    const restMs = Math.min(longestRestMs, firstRestMs * 2 ** (failures - 1)) * (0.5 + this.#random() / 2)
    const until = now + Math.max(restMs, Math.min(longestRetryAfterMs, retryAfterMs))
    this.#state = { is: 'open', code, failures, since: now, until }
    return true
  }

  /**
   * It has answered. Returns whether requests go there again.
   *
   * @param by - a health check shows less than a request: if that fails next, the rests go on growing
   */
  succeeded(by: 'request' | 'check'): boolean {
    const { is, failures } = this.#state
    this.#state = closed(by === 'check' ? failures : 0)
    return is === 'open'
  }

  /** What it rests for is over: it is half-open. Returns whether that is so. */
  forgive(code: ErrorCode): boolean {
    const state = this.#state
    if (state.is === 'closed' || state.code !== code) return false
    this.#state = { ...state, failures: 0, until: state.since }
    return true
  }

  /** What is worth writing down. */
  toJSON(): unknown {
    return this.#state.is === 'open' ? this.#state : undefined
  }
}

function closed(failures = 0): Closed {
  return { is: 'closed', failures }
}

function isOpen(stored: unknown): stored is Open {
  if (typeof stored !== 'object' || stored === null) return false
  const { is, code, failures, since, until } = stored as Partial<Record<keyof Open, unknown>>
  if (is !== 'open' || !telling.has(code) || !isCount(failures) || !isCount(since) || !isCount(until)) return false
  return since <= until && until - since <= longestStoredMs
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < Infinity
}
