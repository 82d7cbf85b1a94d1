/** Decides how many requests at once serve a download best, from what each number of them was measured to bring. */

/** What was measured over one window of time. */
export interface Window {
  readonly lanes: number
  /** Bytes a millisecond. */
  readonly throughput: number
}

export interface ConcurrencyLimits {
  readonly minLanes: number
  readonly maxLanes: number
}

/** A change of throughput that is smaller is noise. */
const noise = 0.1
/** A link that became so much faster or slower is another link: what was learnt of it is forgotten. */
const otherLink = 0.5

/**
 * How many lanes to run next: climbs while one more lane brings more, goes back when it does not, and then stays, until
 * the link changes. Pure.
 *
 * @param windows What was measured, oldest first.
 */
export function nextLanes(windows: readonly Window[], { minLanes, maxLanes }: ConcurrencyLimits): number {
  const now = windows.at(-1)
  if (now === undefined) return minLanes
  const within = (lanes: number) => Math.min(maxLanes, Math.max(minLanes, lanes))
  const known = new Map<number, number>()
  for (const { lanes, throughput } of windows) {
    const before = known.get(lanes)
    if (before !== undefined && Math.abs(throughput - before) > otherLink * before) known.clear()
    known.set(lanes, throughput)
  }
  const fewer = known.get(now.lanes - 1)
  // Lanes cost connections, and memory for what is half there: one that brings nothing is not worth it.
  if (fewer !== undefined && now.throughput < fewer * (1 + noise)) return within(now.lanes - 1)
  const more = known.get(now.lanes + 1)
  if (more === undefined || more >= now.throughput * (1 + noise)) return within(now.lanes + 1)
  // More do not help: perhaps fewer do as well.
  return within(fewer === undefined ? now.lanes - 1 : now.lanes)
}

/** How much of the past counts. */
const mostWindows = 16

/** Measures a download while it runs, and says how many lanes it should have. */
export class LaneCount {
  readonly #limits: ConcurrencyLimits
  readonly #windowMs: number
  #lanes: number
  #windows: readonly Window[] = []
  #begin: number | undefined
  #bytes = 0

  /** @param windowMs How long a number of lanes is measured before it may change. */
  constructor(lanes: number, limits: ConcurrencyLimits, windowMs: number) {
    this.#lanes = lanes
    this.#limits = limits
    this.#windowMs = windowMs
  }

  /**
   * Counts bytes that came.
   *
   * @param now In milliseconds, from any beginning.
   * @returns How many lanes there should be from now on.
   */
  received(bytes: number, now: number): number {
    this.#begin ??= now
    this.#bytes += bytes
    const ms = now - this.#begin
    if (ms < this.#windowMs) return this.#lanes
    this.#windows = [...this.#windows, { lanes: this.#lanes, throughput: this.#bytes / ms }].slice(-mostWindows)
    this.#begin = now
    this.#bytes = 0
    return (this.#lanes = nextLanes(this.#windows, this.#limits))
  }
}
