/** What a caller may ask of the cache: what is there, what may go, and whether it is still right. */
import type {
  CachedModel,
  FreedStorage,
  Manifest,
  MissingByVariant,
  MissingWeights,
  ModelSource,
  ModelStatus,
  StorageUse,
  VariantDtype,
  Verification,
} from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { splitModelName } from '../shared/index.js'
import type { ModelLoads } from './model-loads.js'
import {
  cachedModel,
  neededChunks,
  storedBytes,
  sumBytes,
  neededFiles,
  type ModelRecord,
  type NeededChunk,
} from './model-record.js'
import type { ModelRecords } from './model-records.js'
import { estimateStorage } from './storage-space.js'
import { requireDigests, sha256Hex } from './verify.js'
import type { WeightsDb } from './weights-db.js'

/** A source from the cache, which knows what of it is there. */
export type CachedSource = ModelSource & Required<Pick<ModelSource, 'cachedVariants'>>

export class WeightsCache {
  readonly #db: WeightsDb
  readonly #records: ModelRecords
  readonly #loads: ModelLoads

  constructor(db: WeightsDb, records: ModelRecords, loads: ModelLoads) {
    this.#db = db
    this.#records = records
    this.#loads = loads
  }

  /**
   * The source of a model that is there, if it came from one of these addresses; nothing when the cache cannot be read.
   *
   * @param urls The addresses of its manifest at all mirrors, the first to be asked first; none: from wherever it came.
   */
  async source(name: string, urls: readonly string[]): Promise<CachedSource | undefined> {
    const record = await this.#get(name).catch(() => undefined) // A load says so by `onNotStored`.
    if (record === undefined) return undefined
    const { manifest, variants } = record
    const [first = record.manifestUrl, ...mirrorUrls] = urls
    if (urls.length > 0 && !urls.includes(record.manifestUrl)) return undefined
    return { manifest, manifestUrl: first, mirrorUrls, cachedVariants: variants }
  }

  /** What a download of each variant would fetch, assets included. */
  async missing(manifest: Manifest): Promise<MissingByVariant> {
    const files = manifest.variants.flatMap(({ dtype }) => neededFiles(manifest, dtype))
    const digests = files.flatMap(({ chunks }) => chunks)
    const stored = await this.#db.stored(digests).catch(() => new Set<string>()) // What cannot be read is of no use.
    return Object.fromEntries(manifest.variants.map(({ dtype }) => [dtype, missingWeights(manifest, dtype, stored)]))
  }

  async list(): Promise<readonly CachedModel[]> {
    return (await this.#records.all()).map(cachedModel)
  }

  async status(name: string): Promise<ModelStatus> {
    const record = await this.#get(name)
    return record ? { state: 'cached', ...cachedModel(record) } : { state: 'absent' }
  }

  async storage(): Promise<StorageUse> {
    const [records, { quota }, persisted] = await Promise.all([this.#records.all(), estimateStorage(), isPersisted()])
    return {
      usedBytes: storedBytes(records),
      ...(quota !== undefined && { quotaBytes: quota }),
      persisted,
      models: records.map(cachedModel),
    }
  }

  pin(name: string): Promise<void> {
    return this.#setPinned(name, true)
  }

  unpin(name: string): Promise<void> {
    return this.#setPinned(name, false)
  }

  async remove(name: string): Promise<FreedStorage> {
    const record = await this.#get(name)
    if (record === undefined) return { freedBytes: 0 }
    return { freedBytes: await this.#records.remove([record.id], this.#loads.inFlight) }
  }

  async prune(): Promise<FreedStorage> {
    return { freedBytes: await this.#loads.prune() }
  }

  async verify(name: string): Promise<Verification> {
    requireDigests()
    const { id, chunks } = await this.#require(name)
    const wrong = new Set<string>()
    for (const { digest } of chunks) if (!(await this.#isRight(digest))) wrong.add(digest)
    if (wrong.size > 0) await this.#records.withdraw(wrong)
    else await this.#records.update(id, { verifiedAt: Date.now() })
    return { chunks: chunks.length, wrongChunks: wrong.size }
  }

  async #setPinned(name: string, isPinned: boolean): Promise<void> {
    const { id } = await this.#require(name)
    if (!(await this.#records.update(id, { isPinned }))) throw notCached(name)
  }

  async #require(name: string): Promise<ModelRecord> {
    const record = await this.#get(name)
    if (record === undefined) throw notCached(name)
    return record
  }

  /** The record of a model; of a name with a revision, only if it is that one, or what a hub's branch stood for. */
  async #get(name: string): Promise<ModelRecord | undefined> {
    const { id, revision } = splitModelName(name)
    const record = await this.#records.get(id)
    if (revision === undefined || record?.revision === revision) return record
    return record?.manifest.provenance.some(({ source }) => source === name) ? record : undefined
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

/** Whether the browser has promised to keep this site's storage. */
async function isPersisted(): Promise<boolean> {
  try {
    return (await globalThis.navigator?.storage?.persisted?.()) ?? false
  } catch {
    return false // An opaque origin has no storage that could be kept.
  }
}

function missingWeights(manifest: Manifest, dtype: VariantDtype, stored: ReadonlySet<string>): MissingWeights {
  const isMissing = ({ digest }: NeededChunk) => !stored.has(digest)
  const files = neededFiles(manifest, dtype).filter(({ chunks }) => chunks.some((digest) => !stored.has(digest)))
  return { files: files.map(({ path }) => path), bytes: sumBytes(neededChunks(manifest, dtype).filter(isMissing)) }
}

function notCached(id: string): EdgewardError {
  const message = `The model ${JSON.stringify(id)} is not in the cache; models.download() brings it there.`
  return new EdgewardError('INVALID_OPTION', message, { details: { option: 'model', value: id } })
}
