/** A connection to a database that may be missing, lost or hang: every use of it has a deadline. Knows no IndexedDB. */
import { messageOf } from '../errors/index.js'
import type { WeightsSettings } from './settings.js'

interface Closable {
  close(): void
}

type State<Database> =
  /** Not opened yet, or lost: whoever needs it next opens it. */
  | { readonly state: 'idle'; readonly reason: string }
  | { readonly state: 'open'; readonly database: Database }
  /** Could not be opened, or was closed by us: nobody tries again. One that opens late is used all the same. */
  | { readonly state: 'unusable'; readonly reason: string }

/** Opens the database; `onLost` is told when others need it closed, or the browser has closed it. */
export type OpenDatabase<Database> = (onLost: (reason: string) => void) => Promise<Database>

export class DatabaseConnection<Database extends Closable> {
  readonly #settings: WeightsSettings
  readonly #openDatabase: OpenDatabase<Database>
  #connection: State<Database> = { state: 'idle', reason: 'the weights database was not opened yet' }
  #opening: Promise<void> | undefined
  /** How many connections in a row have not answered. */
  #hungConnections = 0

  constructor(settings: WeightsSettings, openDatabase: OpenDatabase<Database>) {
    this.#settings = settings
    this.#openDatabase = openDatabase
  }

  /** Opens the database if it is not open. Never rejects: resolves with the reason why there is none, if so. */
  async connect(): Promise<string | undefined> {
    if (this.#connection.state === 'idle') {
      this.#opening ??= this.#open().finally(() => (this.#opening = undefined))
      await this.#opening
    }
    return this.#connection.state === 'open' ? undefined : this.#connection.reason
  }

  /** Does something with the database; what it changes in several steps belongs into one transaction. */
  async use<T>(what: string, work: (database: Database) => Promise<T>): Promise<T> {
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

  async #open(): Promise<void> {
    const { databaseName, openDeadlineMs } = this.#settings
    const opening = this.#openAsynchronously()
    try {
      const database = await within(openDeadlineMs, 'opening', opening)
      this.#connection = { state: 'open', database }
    } catch (error) {
      const unusable: State<Database> = { state: 'unusable', reason: openFailure(databaseName, error) }
      this.#connection = unusable
      opening.then(
        (late) => this.#adopt(late, unusable),
        () => undefined, // It fails as `error` does, or after its deadline as it was told.
      )
    }
  }

  /** Uses a database that opened after its deadline; closed meanwhile, it must not block other tabs for ever. */
  #adopt(late: Database, expected: State<Database>): void {
    if (this.#connection === expected) this.#connection = { state: 'open', database: late }
    else late.close()
  }

  /** Asynchronous also where `indexedDB` itself is missing or forbidden. */
  async #openAsynchronously(): Promise<Database> {
    return this.#openDatabase((reason) => this.#lose(reason))
  }

  async #attempt<T>(what: string, work: (database: Database) => Promise<T>): Promise<T> {
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

  #disconnect(next: State<Database>): void {
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

export function isNamed(error: unknown, name: FailureName): boolean {
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
