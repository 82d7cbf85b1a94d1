/** The database of verified chunks, by digest: the one place that knows IndexedDB. */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import { messageOf } from '../errors/index.js'
import type { WeightsSettings } from './settings.js'

interface WeightsSchema extends DBSchema {
  /** Blobs, not ArrayBuffers: browsers read them about three times faster. */
  chunks: { key: string; value: Blob }
}

/** The version of {@link WeightsSchema}. A database of a higher one belongs to a newer Edgeward and is left alone. */
const schemaVersion = 1

type Database = IDBPDatabase<WeightsSchema>

type Connection =
  /** Not opened yet, or lost: whoever needs it next opens it. */
  | { readonly state: 'idle'; readonly reason: string }
  | { readonly state: 'open'; readonly database: Database }
  /** Could not be opened, or was closed by us: nobody tries again. */
  | { readonly state: 'unusable'; readonly reason: string }

/** Every method but `connect` and `close` rejects when no connection can be had, so that callers go on without. */
export class WeightsDb {
  readonly #settings: WeightsSettings
  #connection: Connection = { state: 'idle', reason: 'the weights database was not opened yet' }
  #opening: Promise<void> | undefined

  constructor(settings: WeightsSettings) {
    this.#settings = settings
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
    return this.#use('reading', (database) => database.get('chunks', digest))
  }

  async put(digest: string, chunk: Blob): Promise<void> {
    await this.#use('writing', (database) => database.put('chunks', chunk, digest))
  }

  async delete(digest: string): Promise<void> {
    await this.#use('deleting', (database) => database.delete('chunks', digest))
  }

  /** Which of these digests have a record. */
  async stored(digests: Iterable<string>): Promise<ReadonlySet<string>> {
    return this.#use('listing', async (database) => {
      const { store } = database.transaction('chunks')
      const keys = await Promise.all(Array.from(new Set(digests), (digest) => store.getKey(digest)))
      return new Set(keys.filter((key) => key !== undefined))
    })
  }

  async close(): Promise<void> {
    await this.#opening
    this.#disconnect({ state: 'unusable', reason: 'the weights database was closed' })
  }

  async #open(): Promise<void> {
    const { databaseName, openDeadlineMs } = this.#settings
    const opening = this.#openDatabase()
    try {
      const database = await within(openDeadlineMs, 'opening', opening)
      this.#connection = { state: 'open', database }
    } catch (error) {
      this.#connection = { state: 'unusable', reason: openFailure(databaseName, error) }
      // An open that succeeds after its deadline must not block other tabs for ever.
      opening.then(
        (late) => late.close(),
        () => undefined,
      )
    }
  }

  /** Asynchronous also where `indexedDB` itself is missing or forbidden. */
  async #openDatabase(): Promise<Database> {
    return openDB<WeightsSchema>(this.#settings.databaseName, schemaVersion, {
      upgrade: (database) => void database.createObjectStore('chunks'),
      blocking: () => this.#lose('another tab upgrades or deletes the weights database'),
      terminated: () => this.#lose('the browser closed the weights database'),
    })
  }

  async #use<T>(what: string, work: (database: Database) => Promise<T>): Promise<T> {
    try {
      return await this.#attempt(what, work)
    } catch (error) {
      // Browsers drop connections of pages that were suspended: once more with a new one.
      if (!isNamed(error, 'InvalidStateError') || (await this.connect()) !== undefined) throw error
      return await this.#attempt(what, work)
    }
  }

  async #attempt<T>(what: string, work: (database: Database) => Promise<T>): Promise<T> {
    const connection = this.#connection
    if (connection.state !== 'open') throw new DOMException(connection.reason, 'InvalidStateError')
    try {
      return await within(this.#settings.operationDeadlineMs, what, work(connection.database))
    } catch (error) {
      const isLost = isNamed(error, 'InvalidStateError') || isNamed(error, 'TimeoutError')
      // Another attempt may have opened a new connection meanwhile.
      if (isLost && this.#connection === connection) this.#lose(messageOf(error))
      throw error
    }
  }

  #lose(reason: string): void {
    if (this.#connection.state === 'open') this.#disconnect({ state: 'idle', reason })
  }

  #disconnect(next: Connection): void {
    if (this.#connection.state === 'open') this.#connection.database.close()
    this.#connection = next
  }
}

/** `InvalidStateError`: the connection is closing or gone. `TimeoutError`: it does not answer any more. */
function isNamed(error: unknown, name: 'InvalidStateError' | 'TimeoutError' | 'VersionError'): boolean {
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
