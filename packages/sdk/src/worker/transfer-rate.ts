/** How many bytes a second the network brought lately. Pure: whoever asks says what time it is. */

/** Long enough to smooth over single chunks, short enough to notice a train's tunnel. */
const windowMs = 5_000
/** A shorter stretch says nothing: the first bytes often come all at once. */
const leastMs = 500
/** Nearer ones count as one, so that few have to be remembered. */
const apartMs = 100

/** How many bytes there were in all at a time. */
interface Sample {
  readonly at: number
  total: number
}

export class TransferRate {
  #samples: readonly Sample[] = []
  #total = 0

  /** The first request goes out. */
  start(now: number): void {
    this.received(0, now)
  }

  /** @param now In milliseconds, from any beginning. */
  received(bytes: number, now: number): void {
    this.#total += bytes
    const last = this.#samples.at(-1)
    if (last !== undefined && this.#samples.length > 1 && now - last.at < apartMs) {
      last.total = this.#total
      return
    }
    this.#samples = [...this.#recent(now), { at: now, total: this.#total }]
  }

  /** The mean over the last seconds, those without a byte included; undefined when there is too little to tell. */
  bytesPerSecond(now: number): number | undefined {
    const first = this.#recent(now)[0]
    if (first === undefined || this.#total === 0 || now - first.at < leastMs) return undefined
    // What came with the first sample was on its way before it.
    return ((this.#total - first.total) / (now - first.at)) * 1_000
  }

  /** The samples of the window, and the last one before it: what came since then is what counts. */
  #recent(now: number): readonly Sample[] {
    const begin = this.#samples.findLastIndex(({ at }) => at <= now - windowMs)
    return this.#samples.slice(Math.max(0, begin))
  }
}
