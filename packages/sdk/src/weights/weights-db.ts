/** The database of verified chunks, by digest, and of the models that they make: the one place that knows IndexedDB. */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import { messageOf } from '../errors/index.js'
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
}

/**
 * The version of {@link WeightsSchema}: 1 had `chunks` only, 2 no `pins`. A database of a higher one belongs to a newer Edgeward and
 * is left alone.
 */
const schemaVersion = 3

export type WeightsDatabase = IDBPDatabase<WeightsSchema>

type Connection =
  /** Not opened yet, or lost: whoever needs it next opens it. */
  | { readonly state: 'idle'; readonly reason: string }
  | { readonly state: 'open'; readonly database: WeightsDatabase }
  /** Could not be opened, or was closed by us: nobody tries again. One that opens late is used all the same. */
  | { readonly state: 'unusable'; readonly reason: string }

/** Frees storage for so many bytes; resolves with whether it is worth trying again. */
export type MakeRoom = (bytes: number) => Promise<boolean>

/** Every method but `connect` and `close` rejects when no connection can be had, so that callers go on without. */
export class WeightsDb {
  readonly #settings: WeightsSettings
  readonly #makeRoom: MakeRoom
  #refusesBlobs = false
  #connection: Connection = { state: 'idle', reason: 'the weights database was not opened yet' }
  #opening: Promise<void> | undefined
  /** How many connections in a row have not answered. */
  #hungConnections = 0

  constructor(settings: WeightsSettings, makeRoom: MakeRoom = () => Promise.resolve(false)) {
    this.#settings = settings
    this.#makeRoom = makeRoom
  }

  /** Opens the database if it is not open. Never rejects: resolves with the reason why there is none, if so. */
  async connect(): Promise<string | undefined> {
    if (this.#connection.state === 'idle') {
      this.#opening ??= this.#open().finally(() => (this.#opening = undefined))
      await this.#opening
    }
    return this.#connection.state === 'open' ? undefined : this.#connection.reason
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

  /** Does something with the database; what it changes in several steps belongs into one transaction. */
  async use<T>(what: string, work: (database: WeightsDatabase) => Promise<T>): Promise<T> {
    try {
      return await this.#attempt(what, work)
    } catch (error) {
      // Browsers drop connections of pages that were suspended: once more with a new one.
      if (!isNamed(error, 'InvalidStateError') || (await this.connect()) !== undefined) throw error
      return await this.#attempt(what, work)
    }
  }

  async close(): Promise<void> {
    await this.#opening
    this.#disconnect({ state: 'unusable', reason: 'the weights database was closed' })
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

  async #open(): Promise<void> {
    const { databaseName, openDeadlineMs } = this.#settings
    const opening = this.#openDatabase()
    try {
      const database = await within(openDeadlineMs, 'opening', opening)
      this.#connection = { state: 'open', database }
    } catch (error) {
      const unusable: Connection = { state: 'unusable', reason: openFailure(databaseName, error) }
      this.#connection = unusable
      opening.then(
        (late) => this.#adopt(late, unusable),
        () => undefined, // It fails as `error` does, or after its deadline as it was told.
      )
    }
  }

  /** Uses a database that opened after its deadline; closed meanwhile, it must not block other tabs for ever. */
  #adopt(late: WeightsDatabase, expected: Connection): void {
    if (this.#connection === expected) this.#connection = { state: 'open', database: late }
    else late.close()
  }

  /** Asynchronous also where `indexedDB` itself is missing or forbidden. */
  async #openDatabase(): Promise<WeightsDatabase> {
    return openDB<WeightsSchema>(this.#settings.databaseName, schemaVersion, {
      upgrade: (database, from) => {
        if (from < 1) database.createObjectStore('chunks')
        if (from < 2) database.createObjectStore('models', { keyPath: 'id' })
        if (from < 3) database.createObjectStore('pins', { keyPath: 'key' })
      },
      blocking: () => this.#lose('another tab upgrades or deletes the weights database'),
      terminated: () => this.#lose('the browser closed the weights database'),
    })
  }

  async #attempt<T>(what: string, work: (database: WeightsDatabase) => Promise<T>): Promise<T> {
    const connection = this.#connection
    if (connection.state !== 'open') throw new DOMException(connection.reason, 'InvalidStateError')
    try {
      const result = await within(this.#settings.operationDeadlineMs, what, work(connection.database))
      this.#hungConnections = 0
      return result
    } catch (error) {
      // Another attempt may have opened a new connection meanwhile.
      if (this.#connection === connection) this.#noteFailure(error)
      throw error
    }
  }

  #noteFailure(error: unknown): void {
    if (isNamed(error, 'InvalidStateError')) this.#lose(messageOf(error))
    if (!isNamed(error, 'TimeoutError')) return
    this.#hungConnections += 1
    // A new connection helps where the old one was lost, but not where the database hangs: every chunk would wait for it.
    if (this.#hungConnections < mostHungConnections) this.#lose(messageOf(error))
    else this.#disconnect({ state: 'unusable', reason: `the weights database hangs: ${messageOf(error)}` })
  }

  #lose(reason: string): void {
    if (this.#connection.state === 'open') this.#disconnect({ state: 'idle', reason })
  }

  #disconnect(next: Connection): void {
    if (this.#connection.state === 'open') this.#connection.database.close()
    this.#connection = next
  }
}

const mostHungConnections = 2

type FailureName =
  /** The connection is closing or gone. */
  | 'InvalidStateError'
  /** It does not answer any more. */
  | 'TimeoutError'
  | 'VersionError'
  | 'QuotaExceededError'
  /** The browser does not store such a value. */
  | 'DataCloneError'
  | 'UnknownError'

function isNamed(error: unknown, name: FailureName): boolean {
  // Newer browsers have a class of its own for QuotaExceededError, which extends DOMException.
  return error instanceof DOMException && error.name === name
}

function openFailure(name: string, error: unknown): string {
  if (isNamed(error, 'VersionError')) {
    return `the database "${name}" was made by a newer version of Edgeward and is left alone`
  }
  return `the database "${name}" cannot be opened: ${messageOf(error)}`
}

/** Settles as `promise` does, or rejects with a `TimeoutError` when that takes too long. */
async function within<T>(deadlineMs: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const expired = new Promise<never>((_, reject) => {
    const message = `${what} took longer than ${deadlineMs} ms`
    timer = setTimeout(() => reject(new DOMException(message, 'TimeoutError')), deadlineMs)
  })
  try {
    return await Promise.race([promise, expired])
  } finally {
    clearTimeout(timer)
  }
}
