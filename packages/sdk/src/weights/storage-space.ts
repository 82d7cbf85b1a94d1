/** Keeps the cache within the browser's quota and the caller's budget; makes room by the plan. */
import { messageOf } from '../errors/index.js'
import { storedBytes } from './model-record.js'
import type { ModelRecords } from './model-records.js'
import { planEviction } from './plan-eviction.js'
import type { WeightsSettings } from './settings.js'

/** What must not go, and who hears of what went. */
export interface SpaceNeed {
  readonly bytes: number
  readonly inUse: ReadonlySet<string>
  readonly inFlight: ReadonlySet<string>
  onEvicted(ids: readonly string[]): void
}

/** What the browser says about this site's storage; nothing where it does not say. */
export async function estimateStorage(): Promise<StorageEstimate> {
  try {
    return (await globalThis.navigator?.storage?.estimate?.()) ?? {}
  } catch {
    return {} // An opaque origin has no storage to estimate; the database says so by itself.
  }
}

export class StorageSpace {
  readonly #settings: WeightsSettings
  readonly #records: ModelRecords

  constructor(settings: WeightsSettings, records: ModelRecords) {
    this.#settings = settings
    this.#records = records
  }

  /** Makes sure, before the first byte, that `need.bytes` can be stored; resolves with why not, if so. */
  async reserve(need: SpaceNeed): Promise<string | undefined> {
    const { maxBytes, quotaMarginBytes } = this.#settings
    const { quota, usage = 0 } = await estimateStorage()
    const freeBytes = quota === undefined ? Infinity : quota - usage - quotaMarginBytes
    if (need.bytes <= freeBytes && maxBytes === Infinity) return undefined
    return (await this.#fit(need, freeBytes)) ? undefined : refusal(need.bytes, maxBytes, freeBytes)
  }

  /** After the browser refused a write: frees at least `need.bytes`; resolves with whether it could. */
  async make(need: SpaceNeed): Promise<boolean> {
    return this.#fit(need, 0)
  }

  async #fit(need: SpaceNeed, freeBytes: number): Promise<boolean> {
    // What was never finished goes before what is whole.
    const pruned = need.bytes > freeBytes ? await this.#records.prune(need.inFlight) : 0
    const models = await this.#records.all()
    const budgetBytes = Math.min(this.#settings.maxBytes, storedBytes(models) + freeBytes + pruned)
    const { bytes: neededBytes, inUse, inFlight } = need
    const { drop, isEnough } = planEviction({ models, inUse, inFlight, neededBytes, budgetBytes })
    if (drop.length > 0) {
      await this.#records.remove(drop, inFlight)
      need.onEvicted(drop)
    }
    return isEnough
  }
}

function refusal(bytes: number, maxBytes: number, freeBytes: number): string {
  const limit = maxBytes < bytes ? `storage.maxBytes is ${maxBytes}` : `there is room for ${Math.max(0, freeBytes)}`
  return `the model needs ${bytes} more bytes of storage, ${limit}, and no more models can make room`
}

/** Why the cache could not do something, as a reason for the event `storage`. */
export function cacheFailure(error: unknown): string {
  return `the weights database failed: ${messageOf(error)}`
}
