/** The locks that decide who downloads a file: of the whole origin, or, where browsers lack them, of this worker alone. */
import { abortable, createDeferred } from '../shared/index.js'

export type Release = () => void

export interface DownloadLocks {
  /** Takes a lock if nobody holds it; resolves with what gives it back, or with undefined. */
  tryTake(name: string): Promise<Release | undefined>
  /** Takes a lock as soon as those before have given it back. Rejects when `signal` aborts before that. */
  take(name: string, signal: AbortSignal): Promise<Release>
}

/**
 * Web Locks, which the browser gives back when a tab or a worker dies. Without them, or without a channel on which others
 * hear how the download is coming along, each worker downloads for itself.
 */
export function createDownloadLocks(): DownloadLocks {
  const locks = globalThis.navigator?.locks
  return locks && typeof BroadcastChannel === 'function' ? new WebLocks(locks) : new WorkerLocks()
}

class WebLocks implements DownloadLocks {
  readonly #locks: LockManager

  constructor(locks: LockManager) {
    this.#locks = locks
  }

  tryTake(name: string): Promise<Release | undefined> {
    return this.#request(name, { ifAvailable: true })
  }

  async take(name: string, signal: AbortSignal): Promise<Release> {
    const release = await this.#request(name, { signal })
    if (!release) throw new DOMException(`the lock ${name} was not granted`, 'NotSupportedError')
    return release
  }

  #request(name: string, options: LockOptions): Promise<Release | undefined> {
    return new Promise((resolve, reject) => {
      const hold = (lock: Lock | null) => {
        if (lock) return new Promise<void>((release) => resolve(release))
        resolve(undefined)
        return undefined
      }
      this.#locks.request(name, options, hold).catch(reject)
    })
  }
}

class WorkerLocks implements DownloadLocks {
  readonly #held = new Map<string, Promise<void>>()

  tryTake(name: string): Promise<Release | undefined> {
    return Promise.resolve(this.#held.has(name) ? undefined : this.#hold(name))
  }

  async take(name: string, signal: AbortSignal): Promise<Release> {
    for (let held = this.#held.get(name); held; held = this.#held.get(name)) await abortable(held, signal)
    return this.#hold(name)
  }

  #hold(name: string): Release {
    const { promise, resolve } = createDeferred<void>()
    this.#held.set(name, promise)
    return () => {
      this.#held.delete(name)
      resolve()
    }
  }
}
