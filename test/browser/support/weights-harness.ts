/** What the tests of the weights store share: a database of their own, loads that are recorded, a way into the records. */
import { onTestFinished } from 'vitest'
import { openWeightsStore, type WeightsStore } from '../../../packages/sdk/src/weights/index.js'
import { sha256, type ServedFile } from './file-server-client.js'

/** Small, so that files of several chunks stay fast. */
export const chunkBytes = 65_536

type Settings = NonNullable<Parameters<typeof openWeightsStore>[0]>

export interface Harness {
  readonly databaseName: string
  /** Opens a store on the test's database; it is closed when the test ends. */
  open(settings?: Settings): Promise<WeightsStore>
}

/** A database that only the calling test knows, deleted when it ends. */
export function createHarness(): Harness {
  const databaseName = `weights-test-${crypto.randomUUID()}`
  const stores: WeightsStore[] = []
  onTestFinished(async () => {
    await Promise.all(stores.map((store) => store.close()))
    await deleteDatabase(databaseName)
  })
  return {
    databaseName,
    open: async (settings) => {
      const store = await openWeightsStore({ databaseName, ...settings })
      stores.push(store)
      return store
    },
  }
}

export interface RecordedLoad {
  readonly result: Promise<Uint8Array<ArrayBuffer>>
  /** Bytes by where they came from, as `onBytes` told. */
  readonly came: { cache: number; network: number }
  /** The reasons that `onNotStored` gave. */
  readonly notStored: string[]
}

export function startLoad(store: WeightsStore, { file, url }: ServedFile, signal?: AbortSignal): RecordedLoad {
  const came = { cache: 0, network: 0 }
  const notStored: string[] = []
  const loading = store.load(file, {
    url,
    chunkBytes,
    signal: signal ?? new AbortController().signal,
    onBytes: (bytes, from) => (came[from] += bytes),
    onNotStored: (reason) => notStored.push(reason),
  })
  return { result: loading.then((loaded) => loaded.intoOneBuffer()), came, notStored }
}

/** Loads a file with a store of its own, which is closed afterwards: every verified chunk is stored then. */
export async function visit(harness: Harness, served: ServedFile): Promise<Omit<RecordedLoad, 'result'>> {
  const store = await harness.open()
  const load = startLoad(store, served)
  try {
    if (!isSame(await load.result, served.bytes))
      throw new Error('the load resolved with other bytes than the file has')
  } finally {
    await store.close()
  }
  return load
}

/** Compared here, since a failed assertion would print megabytes. */
export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}

/** The keys of the records, and the digests of what is in them: the same, unless something wrong was stored. */
export async function storedDigests(databaseName: string): Promise<{ keys: string[]; digests: string[] }> {
  const database = await openDatabase(databaseName)
  const chunks = database.transaction('chunks').objectStore('chunks')
  const [keys, records] = await Promise.all([settled(chunks.getAllKeys()), settled(chunks.getAll())])
  database.close()
  // The store puts Blobs there, by digests.
  const digests = await Promise.all((records as Blob[]).map(async (blob) => sha256(await blob.arrayBuffer())))
  return { keys: keys as string[], digests }
}

/** Does something to the records of a database, in one transaction. */
export async function editChunks(databaseName: string, edit: (chunks: IDBObjectStore) => void): Promise<void> {
  const database = await openDatabase(databaseName)
  const transaction = database.transaction('chunks', 'readwrite')
  edit(transaction.objectStore('chunks'))
  await new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error ?? new Error('aborted'))
  })
  database.close()
}

/** Holds a transaction open, so that every other one on the chunks waits until the returned function is called. */
export async function blockChunks(databaseName: string): Promise<() => void> {
  const database = await openDatabase(databaseName)
  const chunks = database.transaction('chunks', 'readwrite').objectStore('chunks')
  let isHeld = true
  await new Promise<void>((resolve) => {
    const spin = () => {
      resolve()
      if (isHeld) chunks.count().onsuccess = spin
      else database.close()
    }
    chunks.count().onsuccess = spin
  })
  return () => (isHeld = false)
}

export function openDatabase(name: string, version?: number): Promise<IDBDatabase> {
  return settled(indexedDB.open(name, version))
}

/** Resolves when no connection is left: connections that are closing may hold it up, one that stays open does for ever. */
export function deleteDatabase(name: string): Promise<unknown> {
  return settled(indexedDB.deleteDatabase(name))
}

export function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('failed'))
  })
}
