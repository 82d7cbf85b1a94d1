/**
 * When a second placement is started beside one that is late, and how often that may be: Dean and Barroso, "The Tail at
 * Scale" (2013), wait for the 95th percentile; gRPC's A6 caps what that costs by a bucket of tokens.
 */
import type { PlannedPlacement } from '../contract/index.js'

/** Below this, waiting costs less than a second request. */
const shortestDelayMs = 20

/** Fewer runs say nothing about a 95th percentile. */
const fewestSamples = 5

/** An endpoint that was never measured is late after this. */
const lateUnmeasuredMs = 2_000

/** And it hangs after this: what it would cost to ask somebody else counts no more. */
export const hangsAfterMs = 5_000

/** The most hedges in a row. */
const burst = 3

/** Sums of a share like 0.1 may end a hair below one. */
const rounding = 1e-9

/** How long to wait for a placement before another one starts beside it; undefined where its own times are not known. */
export function hedgeDelay(planned: PlannedPlacement): number | undefined {
  const { samples, totalMs } = planned.estimate
  const isUsual = isMeasured(planned) && samples >= fewestSamples && planned.readiness === 'ready'
  return isUsual ? Math.max(shortestDelayMs, totalMs.high) : undefined
}

/** How long an endpoint is waited for, in milliseconds, while the device gets ready. */
export function lateAfterMs(planned: PlannedPlacement): number {
  return isMeasured(planned) ? Math.max(shortestDelayMs, planned.estimate.totalMs.high) : lateUnmeasuredMs
}

/** Whether its times were measured at all. */
export function isMeasured({ estimate }: PlannedPlacement): boolean {
  return estimate.basis === 'measured'
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
