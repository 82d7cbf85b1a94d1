/**
 * When a second placement is started beside one that is late, and how often that may be: Dean and Barroso, "The Tail at
 * Scale" (2013), wait for the 95th percentile; gRPC's A6 caps what that costs by a bucket of tokens.
 */
import type { PlannedPlacement } from '../contract/index.js'

/** Below this, waiting costs less than a second request. */
const shortestDelayMs = 20

/** Fewer runs say nothing about a 95th percentile. */
const fewestSamples = 5

/** The most hedges in a row. */
const burst = 3

/** Sums of a share like 0.1 may end a hair below one. */
const rounding = 1e-9

/** How long to wait for a placement before another one starts beside it; undefined where its own times are not known. */
export function hedgeDelay({ estimate, readiness }: PlannedPlacement): number | undefined {
  const { basis, samples, totalMs } = estimate
  const isKnown = basis === 'measured' && samples >= fewestSamples && readiness === 'ready'
  return isKnown ? Math.max(shortestDelayMs, totalMs.high) : undefined
}

/** Lets no more hedges happen than a share of the requests, and a few. */
export class HedgeBudget {
  readonly #share: number
  #tokens = 1

  /** @param share - of the requests, 0 to 1 */
  constructor(share: number) {
    this.#share = share
  }

  /** A request came. */
  countRequest(): void {
    this.#tokens = Math.min(burst, this.#tokens + this.#share)
  }

  /** Whether a request may be hedged now; then it counts. */
  take(): boolean {
    if (this.#share <= 0 || this.#tokens < 1 - rounding) return false
    this.#tokens -= 1
    return true
  }
}
