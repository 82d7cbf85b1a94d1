/** Lets writes run beside the download, and bounds the memory that they hold. */

export class PendingWrites {
  readonly #maxBytes: number
  #bytes = 0
  readonly #writes = new Set<Promise<void>>()

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /**
   * Starts `write` as soon as there is room for its bytes, and resolves when it has started. A write that is larger than
   * the bound runs alone.
   *
   * @param write Deals with its own failures: it never rejects.
   */
  async start(bytes: number, write: () => Promise<void>): Promise<void> {
    while (this.#bytes > 0 && this.#bytes + bytes > this.#maxBytes) await Promise.race(this.#writes)
    this.#bytes += bytes
    const running = write().finally(() => {
      this.#bytes -= bytes
      this.#writes.delete(running)
    })
    this.#writes.add(running)
  }

  /** Resolves when the writes that are running now have ended; others may begin meanwhile, and are not waited for. */
  async settled(): Promise<void> {
    await Promise.all(this.#writes)
  }
}
