/** Runs one piece of work at a time, in the order in which they came. */

export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs `work` when all before it has settled. Work whose signal aborts while it waits is never started. */
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => {
      signal.throwIfAborted()
      return work()
    })
    this.#last = turn.catch(() => undefined)
    return turn
  }
}
