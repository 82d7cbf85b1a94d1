/**
 * How often the requests of one client may ask endpoints again: a bucket of tokens, as in the "standard" retry mode of AWS's
 * SDKs (`@smithy/core` 3.41), whose numbers these are. Endpoints that are down for everybody soon get no second requests.
 */

const capacity = 500
/** Throttling costs less: the endpoint is there, and says when it has room. */
const cost = { transient: 14, throttled: 5 }
/** What an answer gives that needed no retry. */
const reward = 1

export class RetryBudget {
  #tokens = capacity

  /** Takes what one retry costs; undefined when there is too little left. */
  take(isThrottled: boolean): number | undefined {
    const price = isThrottled ? cost.throttled : cost.transient
    if (this.#tokens < price) return undefined
    this.#tokens -= price
    return price
  }

  /** An endpoint has answered. @param spent - what {@link take} took for this very attempt, which comes back */
  answered(spent = reward): void {
    this.#tokens = Math.min(capacity, this.#tokens + spent)
  }
}
