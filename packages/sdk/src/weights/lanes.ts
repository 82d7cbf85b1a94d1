/** Runs several lanes over one queue at once; how many may change while they run. */
import { createDeferred } from '../shared/index.js'

export class Lanes<Item> {
  readonly #queue: Item[]
  readonly #work: (item: Item) => Promise<void>
  readonly #done = createDeferred<void>()
  #limit: number
  #open = 0

  /** @param limit How many lanes may run. Only one does before {@link Lanes.setLimit} or {@link Lanes.open} is called. */
  constructor(queue: Item[], limit: number, work: (item: Item) => Promise<void>) {
    this.#queue = queue
    this.#limit = limit
    this.#work = work
  }

  /** Resolves when no lane has work any more; rejects as soon as one fails. */
  run(): Promise<void> {
    this.#start()
    return this.#done.promise
  }

  /** Starts lanes while there is work for them, and room. */
  open(): void {
    for (let more = this.#queue.length; more > 0 && this.#open < this.#limit; more -= 1) this.#start()
  }

  /** Starts lanes at once; those that are too many end with the item they are at. */
  setLimit(limit: number): void {
    if (limit === this.#limit) return
    this.#limit = limit
    this.open()
  }

  #start(): void {
    this.#open += 1
    this.#runLane().then(
      () => this.#open === 0 && this.#done.resolve(),
      (error: unknown) => this.#done.reject(error),
    )
  }

  async #runLane(): Promise<void> {
    do {
      const item = this.#queue.shift()
      if (item === undefined) break
      await this.#work(item)
    } while (this.#open <= this.#limit)
    this.#open -= 1
  }
}
