/** A mean in which the recent counts most. */

/** How much the newest value counts; those before the last ten together about a tenth. */
const newestWeight = 0.2

/** An exponentially weighted mean. */
export class RecentMean {
  #mean: number | undefined

  /** Undefined before the first value. */
  get value(): number | undefined {
    return this.#mean
  }

  add(value: number): void {
    this.#mean = this.#mean === undefined ? value : this.#mean + newestWeight * (value - this.#mean)
  }
}
