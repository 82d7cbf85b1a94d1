/** Lets a bounded number of requests run at a time, in order of arrival, and a bounded number wait. */
import { EdgewardError } from 'edgeward'

export interface SessionQueueLimits {
  readonly maxConcurrentRuns: number
  readonly maxQueuedRequests: number
}

/** The queue of one served graph. */
export class SessionQueue {
  readonly #name: string
  readonly #limits: SessionQueueLimits
  readonly #waiting = new Set<() => void>()
  #running = 0

  /** @param name What is queued for, for messages. */
  constructor(name: string, limits: SessionQueueLimits) {
    this.#name = name
    this.#limits = limits
  }

  /** How many requests wait. */
  get length(): number {
    return this.#waiting.size
  }

  /** How many requests run. */
  get running(): number {
    return this.#running
  }

  /** How full it is, 0 to 1, with what runs and what waits; at 1 the next request is refused. */
  get utilization(): number {
    const { maxConcurrentRuns, maxQueuedRequests } = this.#limits
    return (this.#running + this.#waiting.size) / (maxConcurrentRuns + maxQueuedRequests)
  }

  /** How many runs, one after the other, a request that came now would have to wait for. */
  get turnsAhead(): number {
    const { maxConcurrentRuns } = this.#limits
    return this.#running < maxConcurrentRuns ? 0 : (this.#waiting.size + 1) / maxConcurrentRuns
  }

  /**
   * Runs `work` when its turn comes. When `signal` aborts, the promise rejects at once: a request that still waits is
   * dropped; one that runs keeps its place until its work has ended, because a run cannot be interrupted.
   *
   * @throws {EdgewardError} `REMOTE_OVERLOADED` when the queue is full; `signal.reason` after an abort.
   */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#enter(signal)
    if (signal.aborted) {
      this.#leave()
      throw signal.reason as Error
    }
    const result = work().finally(() => this.#leave())
    return untilAborted(result, signal)
  }

  #enter(signal: AbortSignal): Promise<void> | void {
    signal.throwIfAborted()
    if (this.#running < this.#limits.maxConcurrentRuns) {
      this.#running += 1
      return
    }
    if (this.#waiting.size >= this.#limits.maxQueuedRequests) {
      throw new EdgewardError(
        'REMOTE_OVERLOADED',
        `the queue of model "${this.#name}" is full (${this.#waiting.size} requests wait): try again later`,
      )
    }
    return this.#wait(signal)
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const start = () => {
        signal.removeEventListener('abort', drop)
        this.#waiting.delete(start)
        this.#running += 1
        resolve()
      }
      const drop = () => {
        this.#waiting.delete(start)
        reject(signal.reason as Error)
      }
      this.#waiting.add(start)
      signal.addEventListener('abort', drop, { once: true })
    })
  }

  #leave(): void {
    this.#running -= 1
    const [next] = this.#waiting
    next?.()
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
