/**
 * The database of verified chunks, by digest, of the models that they make, and of what was measured: the one place that
 * knows IndexedDB.
 */
import { openDB, unwrap, wrap, type DBSchema, type IDBPDatabase } from 'idb'
import { DatabaseConnection, isNamed } from './database-connection.js'
import type { KeptBenchmark, KeptMeasurement } from './merge-measurements.js'
import { namedDigests, type ModelRecord } from './model-record.js'
import type { Pin } from './pins.js'
import type { WeightsSettings } from './settings.js'

interface WeightsSchema extends DBSchema {
  /** Blobs, which browsers read about three times faster; ArrayBuffers where a browser refuses to store Blobs. */
  chunks: { key: string; value: Blob | ArrayBuffer }
  /** The models that are complete, by id. */
  models: { key: string; value: ModelRecord }
  /** What is known of files that came without digests. */
  pins: { key: string; value: Pin }
  /** What placements were measured to do. */
  measurements: { key: string; value: KeptMeasurement }
  /** What this device's arithmetic was measured at, by the browser's version. */
  benchmarks: { key: string; value: KeptBenchmark }
}

/**
 * The version of {@link WeightsSchema}: 1 had `chunks` only, 2 no `pins`, 3 no measurements. A database of a higher one belongs to a
 * newer Edgeward and is left alone.
 */
const schemaVersion = 4

export type WeightsDatabase = IDBPDatabase<WeightsSchema>

/** Frees storage for so many bytes; resolves with whether it is worth trying again. */
export type MakeRoom = (bytes: number) => Promise<boolean>

/** Every method but `connect` and `close` rejects when no connection can be had, so that callers go on without. */
export class WeightsDb extends DatabaseConnection<WeightsDatabase> {
  readonly #makeRoom: MakeRoom
  #refusesBlobs = false

  constructor(settings: WeightsSettings, makeRoom: MakeRoom = () => Promise.resolve(false)) {
    super(settings, (onLost) => openWeights(settings.databaseName, onLost))
    this.#makeRoom = makeRoom
  }

  async get(digest: string): Promise<Blob | undefined> {
    const chunk = await this.use('reading', (database) => database.get('chunks', digest))
    return chunk instanceof ArrayBuffer ? new Blob([chunk]) : chunk
  }

  /** Stores a chunk. */
  async put(digest: string, chunk: Blob): Promise<void> {
    await this.withRoom(chunk.size, () => this.#put(digest, chunk))
  }

  /** Does what stores so many bytes; when the browser gives no more storage, room is made and it is tried once more. */
  async withRoom<T>(bytes: number, store: () => Promise<T>): Promise<T> {
    try {
      return await store()
    } catch (error) {
      if (!isNamed(error, 'QuotaExceededError') || !(await this.#makeRoom(bytes))) throw error
      return await store()
    }
  }

  /** Deletes a chunk that was read and is wrong, unless another tab has stored the right one meanwhile. */
  async deleteWrong(digest: string, wrong: Blob): Promise<void> {
    await this.use('deleting', async (database) => {
      const { store, done } = database.transaction('chunks', 'readwrite')
      const stored = await store.get(digest)
      // What is no Blob has no type to tell it by.
      if (!(stored instanceof Blob) || stored.type === wrong.type) await store.delete(digest)
      await done
    })
  }

  /** Which of these digests have a record. */
  async stored(digests: Iterable<string>): Promise<ReadonlySet<string>> {
    return this.use('listing', async (database) => {
      const { store } = database.transaction('chunks')
      const keys = await Promise.all(Array.from(new Set(digests), (digest) => store.getKey(digest)))
      return new Set(keys.filter((key) => key !== undefined))
    })
  }

  /** What was pinned of a file; undefined also when that cannot be read, since the file itself tells it again. */
  async pin(key: string): Promise<Pin | undefined> {
    return this.use('reading', (database) => database.get('pins', key)).catch(() => undefined)
  }

  async putPin(pin: Pin): Promise<void> {
    await this.use('writing', (database) => database.put('pins', pin))
  }

  /** Forgets a pin that turned out wrong, and its chunks, unless a model has the same. */
  async dropPin(key: string, digests: readonly string[]): Promise<void> {
    await this.use('deleting', async (database) => {
      const transaction = database.transaction(['models', 'chunks', 'pins'], 'readwrite')
      const needed = namedDigests(await transaction.objectStore('models').getAll())
      const wrong = digests.filter((digest) => digest !== '' && !needed.has(digest))
      const chunks = transaction.objectStore('chunks')
      await Promise.all(wrong.map((digest) => chunks.delete(digest)))
      await transaction.objectStore('pins').delete(key)
      await transaction.done
    })
  }

  async #put(digest: string, chunk: Blob): Promise<void> {
    const write = (value: Blob | ArrayBuffer) =>
      this.use('writing', (database) => database.put('chunks', value, digest))
    const writeBuffer = async () => write(await chunk.arrayBuffer())
    if (this.#refusesBlobs) {
      await writeBuffer()
      return
    }
    try {
      await write(chunk)
    } catch (error) {
      // WebKit says UnknownError ("Error preparing Blob/File data to be stored") where its sessions are not kept.
      if (!isNamed(error, 'DataCloneError') && !isNamed(error, 'UnknownError')) throw error
      await writeBuffer()
      this.#refusesBlobs = true
    }
  }
}

async function openWeights(name: string, onLost: (reason: string) => void): Promise<WeightsDatabase> {
  const opened = await openDB<WeightsSchema>(name, schemaVersion, {
    upgrade: (database, from) => {
      if (from < 1) database.createObjectStore('chunks')
      if (from < 2) database.createObjectStore('models', { keyPath: 'id' })
      if (from < 3) database.createObjectStore('pins', { keyPath: 'key' })
      if (from < 4) {
        database.createObjectStore('measurements', { keyPath: 'key' })
        database.createObjectStore('benchmarks', { keyPath: 'browser' })
      }
    },
    blocking: () => onLost('another tab upgrades or deletes the weights database'),
    terminated: () => onLost('the browser closed the weights database'),
  })
  withoutStrayRejections(unwrap(opened))
  return opened
}

/**
 * `idb` makes a promise of each transaction's end, which nobody waits for where it only reads: one that is aborted, as when the
 * site's data are cleared, would be an unhandled rejection. Who waits for it still hears of it.
 */
function withoutStrayRejections(database: IDBDatabase): void {
  database.transaction = (...asked) => {
    const transaction = IDBDatabase.prototype.transaction.apply(database, asked)
    wrap(transaction).done.catch(() => undefined)
    return transaction
  }
}
