/** Keeps the cache within the browser's quota and the caller's budget; makes room by the plan. */
import { messageOf } from '../errors/index.js'
import { storedBytes, type NeededChunk } from './model-record.js'
import type { ModelRecords } from './model-records.js'
import { planEviction } from './plan-eviction.js'
import type { WeightsSettings } from './settings.js'

/** What must not go, and who hears of what went. */
export interface SpaceNeed {
  readonly bytes: number
  /** Chunks that count for the budget, though no record names them yet: what this load has, and others were promised. */
  readonly present: readonly NeededChunk[]
  /** How many bytes of those are not stored yet. */
  readonly promisedBytes: number
  readonly inUse: ReadonlySet<string>
  readonly inFlight: ReadonlySet<string>
  /** The models that other tabs are loading: they must not go either, nor may what these loads have stored. */
  elsewhere(): Promise<ReadonlySet<string>>
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
  /** Plans are made and carried out one after the other: two at once would drop twice what is needed. */
  #last: Promise<unknown> = Promise.resolve()
  /** What was freed for refused writes beyond what they needed: the next ones take it. */
  #spareBytes = 0

  constructor(settings: WeightsSettings, records: ModelRecords) {
    this.#settings = settings
    this.#records = records
  }

  /** Makes sure, before the first byte, that `need.bytes` can be stored; resolves with why not, if so. */
  async reserve(need: SpaceNeed): Promise<string | undefined> {
    this.#spareBytes = 0 // Others may have taken since what was spared for earlier loads.
    const { maxBytes, quotaMarginBytes } = this.#settings
    const { quota, usage = 0 } = await estimateStorage()
    const freeBytes = quota === undefined ? Infinity : quota - usage - quotaMarginBytes - need.promisedBytes
    if (need.bytes <= freeBytes && maxBytes === Infinity) return undefined
    const freed = await this.#inTurn(() => this.#fit(need, freeBytes))
    return freed === undefined ? refusal(need.bytes, maxBytes, freeBytes) : undefined
  }

  /** After the browser refused a write: frees at least `need.bytes`; resolves with whether it could. */
  async make(need: SpaceNeed): Promise<boolean> {
    return this.#inTurn(async () => {
      if (this.#spareBytes < need.bytes) this.#spareBytes = (await this.#fit(need, 0)) ?? 0
      const isEnough = this.#spareBytes >= need.bytes
      if (isEnough) this.#spareBytes -= need.bytes
      return isEnough
    })
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined) // Whoever asked for it hears of it; the next one starts all the same.
    return turn
  }

  /** Resolves with what it freed, or with nothing when there is no way to fit `need` in. */
  async #fit(need: SpaceNeed, freeBytes: number): Promise<number | undefined> {
    const elsewhere = await need.elsewhere()
    const models = await this.#records.all()
    const heldBytes = storedBytes([...models, { chunks: need.present }])
    // What was never finished goes before what is whole, unless somebody is about to finish it.
    const mostBytes = need.bytes > freeBytes ? -1 : this.#settings.maxBytes - heldBytes - need.bytes
    const mayPrune = mostBytes < Infinity && elsewhere.size === 0
    const pruned = mayPrune ? await this.#records.prune(need.inFlight, mostBytes) : 0
    const budgetBytes = Math.min(this.#settings.maxBytes, heldBytes + freeBytes + pruned)
    const neededBytes = need.bytes + heldBytes - storedBytes(models)
    const { inFlight } = need
    const inUse = new Set([...need.inUse, ...elsewhere])
    const { drop, freedBytes, isEnough } = planEviction({ models, inUse, inFlight, neededBytes, budgetBytes })
    if (drop.length > 0) {
      await this.#records.remove(drop, inFlight)
      need.onEvicted(drop)
    }
    return isEnough ? pruned + freedBytes : undefined
  }
}

function refusal(bytes: number, maxBytes: number, freeBytes: number): string {
  const limits = [
    ...(maxBytes < Infinity ? [`storage.maxBytes is ${maxBytes}`] : []),
    ...(freeBytes < Infinity ? [`the browser has room for ${Math.max(0, freeBytes)}`] : []),
  ]
  return `the model needs ${bytes} more bytes of storage (${limits.join(', ')}), and no other model may make room`
}

/** Why the cache could not do something, as a reason for the event `storage`. */
export function cacheFailure(error: unknown): string {
  return `the weights database failed: ${messageOf(error)}`
}
