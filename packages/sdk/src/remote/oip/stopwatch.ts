/** Measures how long work took whose parts may overlap. */

export class Stopwatch {
  #running = 0
  #startedAt = 0
  #elapsedMs = 0

  /** The time during which at least one part was running, in milliseconds. */
  get elapsedMs(): number {
    return this.#elapsedMs
  }

  async measure<T>(part: () => Promise<T>): Promise<T> {
    if (this.#running === 0) this.#startedAt = performance.now()
    this.#running += 1
    try {
      return await part()
    } finally {
      this.#running -= 1
      if (this.#running === 0) this.#elapsedMs += performance.now() - this.#startedAt
    }
  }
}
