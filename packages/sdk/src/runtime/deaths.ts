/** Workers that die again and again are not started for a while, which grows. */
import type { Clock } from './clock.js'

/** So many deaths within a minute are too many. */
const tooMany = 3
const memoryMs = 60_000
/** The first time; it doubles from then on, to the longest. */
const firstRestMs = 5_000
const longestRestMs = 300_000

export class Deaths {
  readonly #clock: Clock
  #times: readonly number[] = []
  #rests = 0
  #restsUntil = -Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How long no worker is to be started, in milliseconds; 0 when one may be. */
  get remainingMs(): number {
    return Math.max(0, this.#restsUntil - this.#clock.now())
  }

  /** A worker is dead. After a rest, one is too many until a worker has shown that it can live. */
  add(): void {
    const now = this.#clock.now()
    this.#times = [...this.#times.filter((time) => now - time < memoryMs), now]
    if (this.#times.length < tooMany && this.#rests === 0) return
    this.#restsUntil = now + Math.min(firstRestMs * 2 ** this.#rests, longestRestMs)
    this.#rests += 1
  }

  /** A worker lives: it has answered a request well, or it has lived for long. */
  forgive(): void {
    this.#times = []
    this.#rests = 0
    this.#restsUntil = -Infinity
  }
}
