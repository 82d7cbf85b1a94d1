/** Time, as those who watch the worker count it. */

/** A monotonic clock, in milliseconds. */
export interface Clock {
  now(): number
  /** Does `work` once, later. Returns its undo. */
  after(ms: number, work: () => void): () => void
}

export const pageClock: Clock = Object.freeze({
  now: () => performance.now(),
  after(ms: number, work: () => void) {
    const timer = setTimeout(work, ms)
    return () => clearTimeout(timer)
  },
})
