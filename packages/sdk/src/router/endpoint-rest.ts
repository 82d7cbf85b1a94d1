/** Endpoints that failed rest for a while: requests that others can answer go there first. */
import type { ErrorCode } from '../errors/index.js'
import type { EndpointFacts } from './plan-input.js'

/** Of the first rest, in milliseconds; each further failure in a row doubles it. */
const firstRestMs = 500
const longestRestMs = 30_000
/** A server that asks for more is asked again all the same: it may have been mended. */
const longestRetryAfterMs = 60_000

/** Failures that say something of the endpoint, and not of the request. */
const restful: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['REMOTE_UNREACHABLE', 'REMOTE_FAILED', 'REMOTE_OVERLOADED'])

interface Rest {
  readonly code: ErrorCode
  readonly failures: number
  readonly until: number
}

/** Which endpoints rest, and how long; times are of one clock that does not jump, in milliseconds. */
export class EndpointRests {
  readonly #random: () => number
  readonly #rests = new Map<string, Rest>()

  /** @param random - 0 to 1: clients that failed together do not come back together */
  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /** @param retryAfterMs - what the server asked for */
  failed(endpoint: string, code: ErrorCode, now: number, retryAfterMs?: number): void {
    if (!restful.has(code)) return
    const last = this.#rests.get(endpoint)
    // Requests that were under way when it began to rest fail too; they say nothing new.
    if (last !== undefined && now < last.until) return
    const failures = (last?.failures ?? 0) + 1
    const restMs = Math.min(longestRestMs, firstRestMs * 2 ** (failures - 1)) * (0.5 + this.#random() / 2)
    const asked = Math.min(longestRetryAfterMs, retryAfterMs ?? 0)
    this.#rests.set(endpoint, { code, failures, until: now + Math.max(restMs, asked) })
  }

  succeeded(endpoint: string): void {
    this.#rests.delete(endpoint)
  }

  /** What is left of its rest. */
  of(endpoint: string, now: number): EndpointFacts['resting'] {
    const rest = this.#rests.get(endpoint)
    return rest === undefined || now >= rest.until ? undefined : { code: rest.code, remainingMs: rest.until - now }
  }
}
