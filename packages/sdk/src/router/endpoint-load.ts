/** What endpoints said of their load, and which are so loaded that requests which the device can answer stay away. */
import type { EndpointLoad } from './plan-input.js'

/** A report says nothing of a moment that is further away, in milliseconds. */
const forgottenAfterMs = 30_000

/** Each client draws its own threshold, so that a fleet moves bit by bit as the load rises. */
const threshold = { lowest: 0.6, highest: 0.9 }

/** It stops only this far below its threshold: what it takes away must not call it back. */
const hysteresis = 0.25

/**
 * Each answer to a probe that it is loaded still doubles the time to the next one, so often at most: who asks as rarely as the
 * time is long would otherwise probe with every request.
 */
const mostDoublings = 3

/** How long it stays as it is at least, and how long without a report until it asks again, in milliseconds. */
const hold = { shortest: 5_000, longest: 15_000 }

interface State {
  load: EndpointLoad
  isSpared: boolean
  /** No change before. */
  holdUntil: number
  /** Where it is spared: without another report it is asked again then. */
  probeAt: number
  /** Probes in a row that found it still loaded. */
  probes: number
}

/** Times are of one clock that does not jump, in milliseconds. */
export class EndpointLoads {
  readonly #random: () => number
  readonly #startsAbove: number
  readonly #states = new Map<string, State>()

  /** @param random - 0 to 1; this client's share of chance */
  constructor(random: () => number = Math.random) {
    this.#random = random
    this.#startsAbove = between(threshold.lowest, threshold.highest, random())
  }

  /** An endpoint told its load. */
  report(endpoint: string, load: EndpointLoad): void {
    const now = load.at
    const state = this.#states.get(endpoint) ?? {
      load,
      isSpared: false,
      holdUntil: -Infinity,
      probeAt: -Infinity,
      probes: 0,
    }
    // Before this report: what begins only now was not probed.
    const isProbe = state.isSpared && now >= state.probeAt
    state.load = load
    if (now >= state.holdUntil && this.#wouldSpare(state, load.utilization) !== state.isSpared) {
      state.isSpared = !state.isSpared
      state.holdUntil = now + this.#drawHold()
    }
    if (!state.isSpared) state.probes = 0
    else if (isProbe) state.probes += 1
    state.probeAt = now + this.#drawHold() * 2 ** Math.min(mostDoublings, state.probes)
    this.#states.set(endpoint, state)
  }

  /** An endpoint refused a request because it was overloaded. */
  refused(endpoint: string, now: number): void {
    const load = this.of(endpoint, now)
    // A report that came with the refusal says more.
    if (load?.at === now && load.utilization >= 1) return
    this.report(endpoint, { ...load, utilization: Math.max(1, load?.utilization ?? 0), at: now })
  }

  /** Its last report, unless that is too old. */
  of(endpoint: string, now: number): EndpointLoad | undefined {
    const load = this.#states.get(endpoint)?.load
    return load !== undefined && now - load.at <= forgottenAfterMs ? load : undefined
  }

  /**
   * Whether requests that the device can answer stay away from it. Who stays away hears nothing: after a while without a
   * report the next request goes there again, and what it is told decides.
   */
  isSpared(endpoint: string, now: number): boolean {
    const state = this.#states.get(endpoint)
    return state !== undefined && state.isSpared && now < Math.max(state.probeAt, state.holdUntil)
  }

  #wouldSpare({ isSpared }: State, utilization: number): boolean {
    return utilization > (isSpared ? this.#startsAbove - hysteresis : this.#startsAbove)
  }

  #drawHold(): number {
    return between(hold.shortest, hold.longest, this.#random())
  }
}

function between(low: number, high: number, share: number): number {
  return low + (high - low) * share
}
