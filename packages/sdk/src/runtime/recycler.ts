/** Decides when a worker has worked enough: its runtime's memory never shrinks, and browsers kill tabs that take too much. */
import type { Clock } from './clock.js'
import type { LiveWorker } from './start-worker.js'

/** When a worker is replaced by a fresh one, at an idle moment; at twice as much, at any moment. */
export interface RecycleLimits {
  /** After so many runs. */
  readonly runs: number
  /** When its heaps have grown by so many bytes since its last load. */
  readonly heapGrowthBytes: number
}

export interface RecyclerOptions {
  readonly clock: Clock
  readonly limits: RecycleLimits
  readonly current: () => LiveWorker | undefined
  /** Has a fresh worker take over. When it rejects, nothing has changed. */
  readonly replace: (old: LiveWorker, why: string) => Promise<void>
}

/** The worker is idle when nothing has been asked of it for so long. */
const idleMs = 1_000
/** A failure is likely to come again: nothing is tried before this has passed. */
const retryMs = 300_000
/** The worker is asked for its memory after so many runs, not after each. */
const runsBetweenLooks = 16

/** What a worker's heaps took when it was looked at. */
interface HeapLook {
  readonly loads: number
  readonly runs: number
  readonly firstBytes: number
  readonly bytes: number
}

export class Recycler {
  readonly #options: RecyclerOptions
  readonly #looks = new WeakMap<LiveWorker, HeapLook>()
  #isWaiting = false
  #isLooking = false
  #notBefore = -Infinity

  constructor(options: RecyclerOptions) {
    this.#options = options
  }

  /** A worker has done something: it is looked at soon. */
  later(): void {
    if (this.#isWaiting || this.#isLooking) return
    this.#isWaiting = true
    this.#options.clock.after(idleMs, () => {
      this.#isWaiting = false
      void this.#look()
    })
  }

  async #look(): Promise<void> {
    const { clock, current, replace } = this.#options
    const worker = current()
    if (worker === undefined || this.#isLooking || clock.now() < this.#notBefore) return
    this.#isLooking = true
    const why = await this.#reason(worker, worker.connection.idleMs >= idleMs ? 1 : 2)
    if (why !== undefined && !worker.connection.isLoading && current() === worker) {
      // The worker goes on; if it has died, the next one who needs one starts it.
      await replace(worker, why).catch(() => (this.#notBefore = clock.now() + retryMs))
    }
    this.#isLooking = false
    const { idleMs: restMs } = worker.connection
    if (restMs > 0 && restMs < idleMs) this.later()
  }

  /** @param times - how many times the limits have to be reached */
  async #reason(worker: LiveWorker, times: number): Promise<string | undefined> {
    const { runs, heapGrowthBytes } = this.#options.limits
    const { connection } = worker
    if (connection.runs >= runs * times) return `it has done ${connection.runs} runs`
    const { firstBytes, bytes } = await this.#heapOf(worker)
    if (bytes - firstBytes < heapGrowthBytes * times) return undefined
    return `its memory has grown by ${Math.round((bytes - firstBytes) / 1024 ** 2)} MiB`
  }

  async #heapOf(worker: LiveWorker): Promise<HeapLook> {
    const { runs, loads } = worker.connection
    const last = this.#looks.get(worker)
    const isOfNow = last?.loads === loads
    if (last && isOfNow && runs - last.runs < runsBetweenLooks) return last
    // A worker that is dead has nothing to be replaced for.
    const { heapBytes: bytes } = await worker.connection.vitals().catch(() => ({ heapBytes: 0 }))
    const look = { loads, runs, bytes, firstBytes: last && isOfNow ? last.firstBytes : bytes }
    this.#looks.set(worker, look)
    return look
  }
}
