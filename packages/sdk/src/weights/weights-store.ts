/** The one interface to a model's bytes: verified, from the cache or the network. Runs in the worker. */
import type { ManifestFile } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { abortable } from '../shared/index.js'
import { splitIntoChunks } from './chunks.js'
import { createDownloadLocks } from './download-locks.js'
import { loadFile, type LoadContext } from './load-file.js'
import { PendingWrites } from './pending-writes.js'
import { weightsDefaults, type WeightsSettings } from './settings.js'
import { requireDigests } from './verify.js'
import { WeightsDb } from './weights-db.js'

export interface LoadFileOptions {
  /** Where the file is; see `fileUrl`. */
  readonly url: string
  /** The manifest's `chunkBytes`. */
  readonly chunkBytes: number
  readonly signal: AbortSignal
  /** A chunk was verified. The calls of one load add up to the file's bytes. */
  onBytes?(bytes: number, from: 'cache' | 'network'): void
  /**
   * Chunks of this load cannot be kept, so that they will be fetched again next time. Called once at most; also after the
   * load has resolved, since the load does not wait for the database.
   */
  onNotStored?(reason: string): void
}

export interface WeightsStore {
  /**
   * The verified bytes of a file, in one buffer of its own (transferable).
   *
   * @throws {EdgewardError} `DOWNLOAD_FAILED`, `INTEGRITY`, `MANIFEST_INVALID`, `OUT_OF_MEMORY`, `DEVICE_UNSUPPORTED`
   *   outside a secure context, `DISPOSED` when the store is closed; on abort, `signal.reason` at once.
   */
  load(file: ManifestFile, options: LoadFileOptions): Promise<Uint8Array<ArrayBuffer>>
  /** How many bytes of these files are in the cache; 0 when it cannot be read. */
  cachedBytes(files: readonly ManifestFile[], chunkBytes: number): Promise<number>
  /** Ends running loads, waits until every verified chunk is stored, and closes the database. */
  close(): Promise<void>
}

/** Opens the store. Never rejects: without a database it works from memory, and every load says so by `onNotStored`. */
export async function openWeightsStore(settings: Partial<WeightsSettings> = {}): Promise<WeightsStore> {
  const resolved = { ...weightsDefaults, ...settings }
  const db = new WeightsDb(resolved)
  await db.connect()
  const writes = new PendingWrites(resolved.maxPendingWriteBytes)
  return new CachingStore({ settings: resolved, db, writes, locks: createDownloadLocks() })
}

class CachingStore implements WeightsStore {
  readonly #context: LoadContext
  readonly #closing = new AbortController()
  readonly #loads = new Set<Promise<unknown>>()

  constructor(context: LoadContext) {
    this.#context = context
  }

  async load(file: ManifestFile, options: LoadFileOptions): Promise<Uint8Array<ArrayBuffer>> {
    const signal = AbortSignal.any([options.signal, this.#closing.signal])
    signal.throwIfAborted()
    requireDigests()
    const { url, chunkBytes } = options
    const load = loadFile(this.#context, file, {
      url,
      chunkBytes,
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
    await this.#context.writes.settled()
    await this.#context.db.close()
  }

  async #storedDigests(digests: readonly string[]): Promise<ReadonlySet<string>> {
    const { db } = this.#context
    if ((await db.connect()) !== undefined) return new Set()
    // A database that cannot be read holds nothing that a load could use.
    return db.stored(digests).catch(() => new Set<string>())
  }
}
