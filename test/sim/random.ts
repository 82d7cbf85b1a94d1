/** Chance with a seed: the same seed draws the same numbers, on every machine. */
import type { Spread } from './world.js'

export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** 0 to 1, without 1. mulberry32, by Tommy Ettinger (public domain). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** Another generator, which what is drawn from this one later does not change. */
  fork(): Random {
    return new Random(Math.floor(this.next() * 2 ** 32))
  }

  chance(share: number): boolean {
    return this.next() < share
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.next()
  }

  logNormal({ median, spread }: Spread): number {
    return median * Math.exp(spread * this.#normal())
  }

  /** Around 1. */
  noise(spread: number): number {
    return this.logNormal({ median: 1, spread })
  }

  /** 1, 2, …, so that the mean is `mean`. */
  geometric(mean: number): number {
    return 1 + Math.floor(Math.log(1 - this.next()) / Math.log(1 - 1 / mean))
  }

  /** One of several, by their shares. */
  pick<T extends { readonly share: number }>(choices: readonly T[]): T {
    let left = this.next() * choices.reduce((sum, { share }) => sum + share, 0)
    const found = choices.find(({ share }) => (left -= share) < 0) ?? choices.at(-1)
    if (found === undefined) throw new Error('there is nothing to pick from')
    return found
  }

  /** Box and Muller. */
  #normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next())
  }
}
