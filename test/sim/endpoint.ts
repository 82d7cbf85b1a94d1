/** The endpoint: workers with a queue for each model, which refuses what does not fit, as the reference endpoint does. */
import type { Clock } from './clock.js'
import type { Random } from './random.js'
import type { ModelProfile } from './world.js'
import { endpoint } from './world.js'

export interface LoadNow {
  /** As the reference endpoint reports it: what runs and waits ÷ what may. */
  readonly utilization: number
  readonly expectedWaitMs: number
}

export class SimulatedEndpoint {
  /** How often it said no; and how often to a device that could have answered at once. */
  refused = 0
  refusedReady = 0
  readonly #clock: Clock
  readonly #random: Random
  readonly #slowness: number
  readonly #waiting: (() => void)[] = []
  #running = 0
  #meanRunMs = 0

  /** @param slowness - how many times slower than in `world.ts` it is: a smaller endpoint for a smaller fleet */
  constructor(clock: Clock, random: Random, slowness = 1) {
    this.#clock = clock
    this.#random = random
    this.#slowness = slowness
  }

  get load(): LoadNow {
    const { workers, queuePerWorker } = endpoint
    const turns = this.#running < workers ? 0 : (this.#waiting.length + 1) / workers
    return {
      utilization: (this.#running + this.#waiting.length) / (workers * (1 + queuePerWorker)),
      expectedWaitMs: turns * this.#meanRunMs,
    }
  }

  /** False: refused. */
  async serve({ operationsPerUnit }: ModelProfile, tokens: number, isDeviceReady: boolean): Promise<boolean> {
    if (this.load.utilization >= 1) {
      this.refused += 1
      if (isDeviceReady) this.refusedReady += 1
      return false
    }
    if (this.#running >= endpoint.workers) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running += 1
    const ms = (endpoint.fixedMs + (operationsPerUnit * tokens * 1000) / endpoint.flops) * this.#slowness
    const runMs = ms * this.#random.noise(0.1)
    await this.#clock.wait(runMs)
    this.#meanRunMs = this.#meanRunMs === 0 ? runMs : 0.9 * this.#meanRunMs + 0.1 * runMs
    const next = this.#waiting.shift()
    // Who waits takes the place of who leaves.
    if (next) next()
    else this.#running -= 1
    return true
  }
}
