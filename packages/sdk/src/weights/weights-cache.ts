/** What a caller may ask of the cache: what is there, what may go, and whether it is still right. */
import type {
  CachedModel,
  FreedStorage,
  ModelSource,
  ModelStatus,
  StorageUse,
  Verification,
} from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import type { ModelLoads } from './model-loads.js'
import { cachedModel, storedBytes, type ModelRecord } from './model-record.js'
import type { ModelRecords } from './model-records.js'
import { estimateStorage } from './storage-space.js'
import { requireDigests, sha256Hex } from './verify.js'
import type { WeightsDb } from './weights-db.js'

export class WeightsCache {
  readonly #db: WeightsDb
  readonly #records: ModelRecords
  readonly #loads: ModelLoads

  constructor(db: WeightsDb, records: ModelRecords, loads: ModelLoads) {
    this.#db = db
    this.#records = records
    this.#loads = loads
  }

  /** The source of a model that is there, if it came from this address; nothing when the cache cannot be read. */
  async source(id: string, manifestUrl: unknown): Promise<ModelSource | undefined> {
    const record = await this.#records.get(id).catch(() => undefined) // The manifest's own failure is what is told.
    return record?.manifestUrl === manifestUrl ? record : undefined
  }

  async list(): Promise<readonly CachedModel[]> {
    return (await this.#records.all()).map(cachedModel)
  }

  async status(id: string): Promise<ModelStatus> {
    const record = await this.#records.get(id)
    return record ? { state: 'cached', ...cachedModel(record) } : { state: 'absent' }
  }

  async storage(): Promise<StorageUse> {
    const [records, { quota }, persisted] = await Promise.all([
      this.#records.all(),
      estimateStorage(),
      globalThis.navigator?.storage?.persisted?.(),
    ])
    return {
      usedBytes: storedBytes(records),
      ...(quota !== undefined && { quotaBytes: quota }),
      persisted: persisted ?? false,
      models: records.map(cachedModel),
    }
  }

  pin(id: string): Promise<void> {
    return this.#setPinned(id, true)
  }

  unpin(id: string): Promise<void> {
    return this.#setPinned(id, false)
  }

  async remove(id: string): Promise<FreedStorage> {
    return { freedBytes: await this.#records.remove([id], this.#loads.inFlight) }
  }

  async prune(): Promise<FreedStorage> {
    return { freedBytes: await this.#records.prune(this.#loads.inFlight) }
  }

  async verify(id: string): Promise<Verification> {
    requireDigests()
    const { chunks } = await this.#require(id)
    const wrong = new Set<string>()
    for (const { digest } of chunks) if (!(await this.#isRight(digest))) wrong.add(digest)
    if (wrong.size > 0) await this.#records.withdraw(wrong)
    else await this.#records.update(id, { verifiedAt: Date.now() })
    return { chunks: chunks.length, wrongChunks: wrong.size }
  }

  async #setPinned(id: string, isPinned: boolean): Promise<void> {
    if (!(await this.#records.update(id, { isPinned }))) throw notCached(id)
  }

  async #require(id: string): Promise<ModelRecord> {
    const record = await this.#records.get(id)
    if (record === undefined) throw notCached(id)
    return record
  }

  async #isRight(digest: string): Promise<boolean> {
    const chunk = await this.#db.get(digest)
    try {
      return chunk !== undefined && (await sha256Hex(new Uint8Array(await chunk.arrayBuffer()))) === digest
    } catch {
      return false // The browser has lost what is behind the Blob, or it is none.
    }
  }
}

function notCached(id: string): EdgewardError {
  const message = `The model ${JSON.stringify(id)} is not in the cache; models.download() brings it there.`
  return new EdgewardError('INVALID_OPTION', message, { details: { option: 'model', value: id } })
}
