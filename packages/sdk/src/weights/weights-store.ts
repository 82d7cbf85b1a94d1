/** The one interface to a model's bytes: verified, from the cache or the network. Runs in the worker. */
import type { ManifestFile, ModelSource, VariantDtype } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { abortable } from '../shared/index.js'
import type { ChunkedFile } from './chunked-file.js'
import { splitIntoChunks } from './chunks.js'
import { createDownloadLocks } from './download-locks.js'
import type { LowPriority } from './foreground-gate.js'
import { loadFile, type LoadContext } from './load-file.js'
import { createLoadLocks } from './load-locks.js'
import { MeasurementRecords } from './measurement-records.js'
import { ModelLoads, type AdmittedLoad, type CacheListener } from './model-loads.js'
import { ModelRecords } from './model-records.js'
import { Network } from './network.js'
import { PendingWrites } from './pending-writes.js'
import { pinModel, type PinModelOptions, type PinnedModel } from './pin-model.js'
import { Scratch } from './scratch.js'
import { weightsDefaults, type WeightsSettings } from './settings.js'
import { StorageSpace } from './storage-space.js'
import { requireDigests } from './verify.js'
import { WeightsCache } from './weights-cache.js'
import { WeightsDb } from './weights-db.js'

export interface LoadFileOptions {
  /** Where the file is; see `fileUrl`. */
  readonly url: string
  /** Where else the same file is: asked when `url` fails, chunk by chunk. */
  readonly mirrorUrls?: readonly string[]
  /** The manifest's `chunkBytes`. */
  readonly chunkBytes: number
  readonly signal: AbortSignal
  /** Whether no request may be made: what is not in the cache then ends the load with `NOT_CACHED`. */
  readonly offline?: boolean
  /** Whether, and until when, other requests come first. */
  readonly priority?: LowPriority | undefined
  /** Why nothing may be stored, if so: the load then goes on from memory, and says so by `onNotStored`. */
  readonly refusal?: string | undefined
  /** A record vouches for what is stored: large files are not hashed when they are read; see `AdmittedLoad`. */
  readonly isVouched?: boolean
  /** The file is brought into the cache, and nothing of it is kept in memory: what the load resolves with is empty. */
  readonly cacheOnly?: boolean
  /**
   * Bytes came: from the cache by chunks, verified; from the network piece by piece, and fewer than none when a chunk that
   * failed is given up. The calls of a load that succeeds add up to the file's bytes.
   */
  onBytes?(bytes: number, from: 'cache' | 'network'): void
  /**
   * Chunks of this load cannot be kept, so that they will be fetched again next time. Called once at most; also after the
   * load has resolved, since the load does not wait for the database.
   */
  onNotStored?(reason: string): void
}

export interface WeightsStore {
  /**
   * The verified bytes of a file, as its chunks. They are the caller's alone.
   *
   * @throws {EdgewardError} `DOWNLOAD_FAILED`, `INTEGRITY`, `MANIFEST_INVALID`, `OUT_OF_MEMORY`, `DEVICE_UNSUPPORTED`
   *   outside a secure context, `DISPOSED` when the store is closed; on abort, `signal.reason` at once.
   */
  load(file: ManifestFile, options: LoadFileOptions): Promise<ChunkedFile>
  /** How many bytes of these files are in the cache; 0 when it cannot be read. */
  cachedBytes(files: readonly ManifestFile[], chunkBytes: number): Promise<number>
  /**
   * Lets in the load of a variant with its assets: makes room for what is missing, and keeps what is there. Whoever asks
   * ends it: by `publish` when all of it was loaded, else by `giveUp`. Never rejects.
   */
  admit(source: ModelSource, dtype: VariantDtype, listener: CacheListener): Promise<ModelAdmission>
  /** Computes the digests of a variant that nobody has told, by bringing its files; see `pinModel`. */
  pin(source: ModelSource, dtype: VariantDtype, options: PinModelOptions): Promise<PinnedModel>
  /** What is in the cache, and what can be done with it. */
  readonly cache: WeightsCache
  /** What was measured on this device. */
  readonly measurements: MeasurementRecords
  /** Where files come from. */
  readonly network: Network
  /** Resolves when everything that was loaded is stored and published. */
  settled(): Promise<void>
  /** Ends running loads, waits until every verified chunk is stored, and closes the database. */
  close(): Promise<void>
}

/** A model's load that was let in; see {@link WeightsStore.admit}. */
export interface ModelAdmission extends Pick<AdmittedLoad, 'refusal' | 'isVouched' | 'giveUp'> {
  /** Publishes the model as soon as every chunk is stored; does not hold up the caller. */
  publish(): void
}

/** Opens the store. Never rejects: without a database it works from memory, and every load says so by `onNotStored`. */
export async function openWeightsStore(
  settings: Partial<WeightsSettings> = {},
  network = new Network(),
): Promise<WeightsStore> {
  const resolved = { ...weightsDefaults, ...settings }
  const db: WeightsDb = new WeightsDb(resolved, (bytes) => loads.makeRoom(bytes))
  const records = new ModelRecords(db)
  const loads = new ModelLoads(
    db,
    records,
    new StorageSpace(resolved, records),
    createLoadLocks(resolved.databaseName),
    resolved,
  )
  await db.connect()
  const writes = new PendingWrites(resolved.maxPendingWriteBytes)
  const locks = createDownloadLocks()
  return new CachingStore(
    { settings: resolved, ruledOut: new Map(), db, writes, scratch: new Scratch(), locks, network },
    loads,
    new WeightsCache(db, records, loads),
    new MeasurementRecords(db),
  )
}

class CachingStore implements WeightsStore {
  readonly cache: WeightsCache
  readonly measurements: MeasurementRecords
  readonly #context: LoadContext
  readonly #modelLoads: ModelLoads
  readonly #closing = new AbortController()
  readonly #loads = new Set<Promise<unknown>>()
  readonly #publications = new Set<Promise<void>>()

  constructor(context: LoadContext, modelLoads: ModelLoads, cache: WeightsCache, measurements: MeasurementRecords) {
    this.#context = context
    this.#modelLoads = modelLoads
    this.cache = cache
    this.measurements = measurements
  }

  async admit(source: ModelSource, dtype: VariantDtype, listener: CacheListener): Promise<ModelAdmission> {
    const load = await this.#modelLoads.admit(source, dtype, listener)
    const publish = () => {
      const publication = load.publish(this.#context.writes.settled())
      this.#publications.add(publication)
      void publication.finally(() => this.#publications.delete(publication))
    }
    return { ...load, publish }
  }

  get network(): Network {
    return this.#context.network
  }

  async pin(source: ModelSource, dtype: VariantDtype, options: PinModelOptions): Promise<PinnedModel> {
    const signal = AbortSignal.any([options.signal, this.#closing.signal])
    signal.throwIfAborted()
    requireDigests()
    const pinning = pinModel(this.#context, this.#modelLoads, source, dtype, { ...options, signal }).finally(() =>
      this.#loads.delete(pinning),
    )
    this.#loads.add(pinning)
    return abortable(pinning, signal)
  }

  async settled(): Promise<void> {
    await this.#context.writes.settled()
    await Promise.all(this.#publications)
  }

  async load(file: ManifestFile, options: LoadFileOptions): Promise<ChunkedFile> {
    const signal = AbortSignal.any([options.signal, this.#closing.signal])
    signal.throwIfAborted()
    requireDigests()
    const { url, mirrorUrls = [], chunkBytes, refusal, offline = false, priority, cacheOnly = false } = options
    const isLarge = file.bytes > this.#context.settings.alwaysVerifiedBytes
    const load = loadFile(this.#context, file, {
      url,
      mirrorUrls,
      chunkBytes,
      offline,
      priority,
      refusal,
      isVouched: isLarge && options.isVouched === true,
      cacheOnly,
      signal,
      onBytes: (bytes, from) => options.onBytes?.(bytes, from),
      onNotStored: (reason) => options.onNotStored?.(reason),
    }).finally(() => this.#loads.delete(load))
    this.#loads.add(load)
    return abortable(load, signal)
  }

  async cachedBytes(files: readonly ManifestFile[], chunkBytes: number): Promise<number> {
    const chunks = files.flatMap((file) => splitIntoChunks(file, chunkBytes))
    const stored = await this.#storedDigests(chunks.map((chunk) => chunk.digest))
    return chunks.reduce((bytes, chunk) => bytes + (stored.has(chunk.digest) ? chunk.bytes : 0), 0)
  }

  async close(): Promise<void> {
    this.#closing.abort(new EdgewardError('DISPOSED', 'the weights store was closed'))
    await Promise.allSettled(this.#loads)
    await this.settled()
    await this.#context.db.close()
  }

  async #storedDigests(digests: readonly string[]): Promise<ReadonlySet<string>> {
    const { db } = this.#context
    if ((await db.connect()) !== undefined) return new Set()
    // A database that cannot be read holds nothing that a load could use.
    return db.stored(digests).catch(() => new Set<string>())
  }
}
