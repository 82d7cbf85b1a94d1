/** Says which of a client's requests may be started at a second placement, and when. */
import type { Placement, ResolvedPolicy } from '../contract/index.js'
import { HedgeBudget, hedgeDelay, type DispatchContext } from '../router/index.js'
import type { Aftermath } from './aftermath.js'
import { nameOf, note, type Call } from './call.js'
import type { Knowledge } from './knowledge.js'

export class Hedging {
  readonly #aftermath: Aftermath
  readonly #knowledge: Knowledge
  readonly #budget: HedgeBudget

  /** @param share - of the requests, 0 to 1 */
  constructor(share: number, aftermath: Aftermath, knowledge: Knowledge) {
    this.#aftermath = aftermath
    this.#knowledge = knowledge
    this.#budget = new HedgeBudget(share)
  }

  /** For one request, which counts. */
  of(call: Call, policy: ResolvedPolicy): Pick<DispatchContext, 'hedge'> {
    this.#budget.countRequest()
    if (policy.prefer === 'cheapest') return {}
    return {
      hedge: {
        delayMs: hedgeDelay,
        mayAsk: (placement) => this.#isAtEase(placement),
        mayHedge: () => this.#aftermath.maySpend(policy) && this.#budget.take(),
        onHedge: (first, second) => note(call, 'hedge', `${nameOf(first)} is late: ${nameOf(second)} is asked too`),
      },
    }
  }

  /** An endpoint that is loaded, or has just failed, is not asked for what somebody else works on. */
  #isAtEase(placement: Placement): boolean {
    if (placement.engine === 'device') return true
    const { loads, rests } = this.#knowledge
    const now = performance.now()
    return !loads.isSpared(placement.endpoint, now) && rests.of(placement.endpoint, now) === undefined
  }
}
