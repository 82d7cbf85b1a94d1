/** Runs several lanes over one queue at once; how many may change while they run. */
import { createDeferred } from '../shared/index.js'

export class Lanes<Item> {
  readonly #queue: Item[]
  readonly #work: (item: Item) => Promise<void>
  readonly #done = createDeferred<void>()
  #limit: number
  #open = 0
  #failure: { readonly error: unknown } | undefined

  /** @param limit How many lanes may run. Only one does before {@link Lanes.setLimit} or {@link Lanes.open} is called. */
  constructor(queue: Item[], limit: number, work: (item: Item) => Promise<void>) {
    this.#queue = queue
    this.#limit = limit
    this.#work = work
  }

  /** Settles when every lane has ended: resolves when the work is done, else rejects with the first failure. */
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
    void this.#runLane().then(() => {
      if (this.#open > 0) return
      if (this.#failure) this.#done.reject(this.#failure.error)
      else this.#done.resolve()
    })
  }

  async #runLane(): Promise<void> {
    do {
      const item = this.#failure ? undefined : this.#queue.shift()
      if (item === undefined) break
      try {
        await this.#work(item)
      } catch (error) {
        this.#failure ??= { error }
      }
    } while (this.#open <= this.#limit)
    this.#open -= 1
  }
}
