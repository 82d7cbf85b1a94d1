/** Counts the requests that need the network now, so that downloads of low priority leave it to them. */

export class ForegroundRequests {
  readonly #tell: (requests: number) => void
  #requests = 0
  #loads = 0
  /** Whether the last thing told was a number above 0. */
  #isTold = false

  /** @param tell - hears a number when it falls to 0 or rises above it, and only while it matters to a download */
  constructor(tell: (requests: number) => void) {
    this.#tell = tell
  }

  /** Runs a request to an endpoint. */
  async during<V>(request: () => Promise<V>): Promise<V> {
    this.#requests += 1
    if (this.#requests === 1 && this.#loads > 0) this.#say(1)
    try {
      return await request()
    } finally {
      this.#requests -= 1
      if (this.#requests === 0 && this.#isTold) this.#say(0)
    }
  }

  /** Runs a download of low priority. */
  async whileLoading<V>(load: () => Promise<V>): Promise<V> {
    this.#loads += 1
    if (this.#loads === 1 && this.#requests > 0) this.#say(this.#requests)
    try {
      return await load()
    } finally {
      this.#loads -= 1
    }
  }

  #say(requests: number): void {
    this.#isTold = requests > 0
    this.#tell(requests)
  }
}
