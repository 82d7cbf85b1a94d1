/** Says which of a client's requests may be started at a second placement, and when. */
import type { EdgewardEvents, Placement } from '../contract/index.js'
import { isEdgewardError } from '../errors/index.js'
import { HedgeBudget, hedgeDelay, type DispatchContext } from '../router/index.js'
import type { Emitter } from '../telemetry/index.js'
import type { Aftermath } from './aftermath.js'
import { nameOf, note, type Call } from './call.js'
import type { Knowledge } from './knowledge.js'
import { foundOf, type Planned, type PlannerParts } from './planner.js'

export interface HedgingParts extends Pick<PlannerParts, 'readiness'> {
  /** Of the requests, 0 to 1. */
  readonly share: number
  readonly aftermath: Aftermath
  readonly knowledge: Knowledge
  readonly emitter: Emitter<EdgewardEvents>
}

export class Hedging {
  readonly #parts: HedgingParts
  readonly #budget: HedgeBudget

  constructor(parts: HedgingParts) {
    this.#parts = parts
    this.#budget = new HedgeBudget(parts.share)
  }

  /** For one request, which counts. */
  of(call: Call, planned: Planned): Pick<DispatchContext, 'hedge'> {
    const { policy } = planned
    this.#budget.countRequest()
    if (policy.prefer === 'cheapest') return {}
    return {
      hedge: {
        delayMs: hedgeDelay,
        mayAsk: (placement) => this.#isAtEase(planned, placement),
        mayHedge: () => this.#parts.aftermath.maySpend(policy) && this.#budget.take(),
        becameReady: (placements, signal) => this.becameReady(planned, placements, signal),
        onHedge: (first, second) => note(call, 'hedge', `${nameOf(first)} is late: ${nameOf(second)} is asked too`),
      },
    }
  }

  /** The first of these placements that is ready: looks now, and whenever something has become ready. */
  becameReady(planned: Planned, placements: readonly Placement[], signal: AbortSignal): Promise<Placement> {
    const { readiness, emitter } = this.#parts
    const { source } = planned
    const isReady = (placement: Placement) => {
      if (placement.engine === 'remote' || isEdgewardError(source)) return false
      return readiness(source, placement) === 'ready' && this.#isAtEase(planned, placement)
    }
    return new Promise((resolve) => {
      const look = () => {
        const ready = placements.find(isReady)
        if (ready) resolve(ready)
      }
      look()
      const stop = emitter.on('ready', look)
      signal.addEventListener('abort', stop, { once: true })
    })
  }

  /** What is loaded, or has just failed, is not asked for what somebody else works on. */
  #isAtEase({ source, capabilities }: Planned, placement: Placement): boolean {
    return this.#parts.knowledge.isAtEase(placement, foundOf(source).manifest, capabilities)
  }
}
