/** Tells the other tabs of the origin which models this one is loading, by Web Locks: they end with the tab. */
import type { Release } from './download-locks.js'

export interface LoadLocks {
  /** Resolves when the others can see that the model is being loaded here, with what ends that. Never rejects. */
  announce(id: string): Promise<Release>
  /** The models that other tabs are loading, by id; none where there are no Web Locks. */
  elsewhere(): Promise<ReadonlySet<string>>
}

export function createLoadLocks(databaseName: string): LoadLocks {
  const locks = globalThis.navigator?.locks
  return locks ? new WebLoadLocks(locks, `${databaseName}-loading/`) : new NoLoadLocks()
}

class WebLoadLocks implements LoadLocks {
  readonly #locks: LockManager
  readonly #prefix: string
  /** Of this store alone: what others hold is told apart from what it holds itself. */
  readonly #ownPrefix: string

  constructor(locks: LockManager, prefix: string) {
    this.#locks = locks
    this.#prefix = prefix
    this.#ownPrefix = `${prefix}${crypto.randomUUID()}/`
  }

  announce(id: string): Promise<Release> {
    return new Promise((resolve) => {
      const hold = () => new Promise<void>((release) => resolve(release))
      // Shared: a store may load several variants of a model at once.
      this.#locks.request(this.#ownPrefix + id, { mode: 'shared' }, hold).catch(() => {
        resolve(() => undefined) // Origins without storage have no locks either, and nobody to tell.
      })
    })
  }

  async elsewhere(): Promise<ReadonlySet<string>> {
    const { held = [] } = await this.#locks.query().catch((): LockManagerSnapshot => ({}))
    const others = held.flatMap(({ name = '' }) =>
      name.startsWith(this.#prefix) && !name.startsWith(this.#ownPrefix) ? [name.slice(this.#ownPrefix.length)] : [],
    )
    return new Set(others)
  }
}

class NoLoadLocks implements LoadLocks {
  announce(): Promise<Release> {
    return Promise.resolve(() => undefined)
  }

  elsewhere(): Promise<ReadonlySet<string>> {
    return Promise.resolve(new Set())
  }
}
