/** The cache of weights: what is in it is right, it heals itself, and a load never fails because of it. */
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Scratch } from '../../packages/sdk/src/weights/scratch.js'
import { randomBytes, serveRandomFile } from './support/file-server-client.js'
import {
  blockChunks,
  chunkBytes,
  createHarness,
  deleteDatabase,
  editChunks,
  isSame,
  openDatabase,
  settled,
  startLoad,
  storedDigests,
  visit,
} from './support/weights-harness.js'

const threeChunks = 2.5 * chunkBytes
const never = new AbortController().signal

/** Replaces a method of the platform until the test ends, or the returned function is called. */
function patch<T extends object, K extends keyof T & string>(target: T, method: K, replacement: T[K]): () => void {
  const original = target[method]
  target[method] = replacement
  const restore = () => void (target[method] = original)
  onTestFinished(restore)
  return restore
}

function throwing(name: string): () => never {
  return () => {
    throw new DOMException('as the test wants it', name)
  }
}

/** Tells from now on which connections were closed. */
function spyOnClose(): () => readonly IDBDatabase[] {
  const close = vi.spyOn(IDBDatabase.prototype, 'close')
  onTestFinished(() => close.mockRestore())
  // The method is called on connections only.
  return () => close.mock.contexts as IDBDatabase[]
}

describe('a stored chunk', () => {
  test.each<[string, unknown]>([
    ['has rotted', new Blob([randomBytes(chunkBytes)])],
    ['is too short', new Blob([randomBytes(9)])],
    ['is empty', new Blob([])],
    ['is no Blob', 'what another program wrote'],
  ])('that %s is fetched again and stored right', async (_, record) => {
    const harness = createHarness()
    const served = await serveRandomFile(threeChunks, chunkBytes)
    await visit(harness, served)
    await editChunks(harness.databaseName, (chunks) => chunks.put(record, served.file.chunks[1]))
    await served.misbehave()
    expect((await visit(harness, served)).came).toEqual({ cache: 1.5 * chunkBytes, network: chunkBytes })
    expect((await visit(harness, served)).came).toEqual({ cache: threeChunks, network: 0 })
    expect(await served.requests()).toHaveLength(1)
  })

  test('that has rotted is gone when it cannot be fetched again', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(threeChunks, chunkBytes)
    await visit(harness, served)
    await editChunks(harness.databaseName, (chunks) => chunks.put(new Blob(['rotten']), served.file.chunks[1]))
    await served.misbehave({ kind: 'status', status: 503 })
    await expect(visit(harness, served)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
    const { keys, digests } = await storedDigests(harness.databaseName)
    expect(digests).toEqual(keys)
    expect(keys).toHaveLength(2)
  })

  test('that has rotted is not deleted when another tab has stored it right meanwhile', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(threeChunks, chunkBytes)
    await visit(harness, served)
    const [rotten = ''] = served.file.chunks
    await editChunks(harness.databaseName, (chunks) => chunks.put(new Blob([randomBytes(chunkBytes)]), rotten))
    const { arrayBuffer } = Blob.prototype
    const right = new Scratch().blob(served.bytes.slice(0, chunkBytes))
    // When this tab has read what is rotten, the other one stores what is right. This one can fetch nothing.
    const restore = patch(Blob.prototype, 'arrayBuffer', async function (this: Blob) {
      const bytes = await arrayBuffer.call(this)
      if (this.type === '') await editChunks(harness.databaseName, (chunks) => chunks.put(right, rotten))
      return bytes
    })
    await served.misbehave({ kind: 'status', status: 503 })
    await expect(visit(harness, served)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
    restore()
    expect((await visit(harness, served)).came).toEqual({ cache: threeChunks, network: 0 })
  })

  test('that cannot be read is fetched', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(threeChunks, chunkBytes)
    await visit(harness, served)
    const restore = patch(IDBObjectStore.prototype, 'get', throwing('UnknownError'))
    expect((await visit(harness, served)).came).toEqual({ cache: 0, network: threeChunks })
    restore()
    expect((await visit(harness, served)).came).toEqual({ cache: threeChunks, network: 0 })
  })

  test('whose Blob the browser has lost is fetched', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(threeChunks, chunkBytes)
    await visit(harness, served)
    const restore = patch(Blob.prototype, 'arrayBuffer', throwing('NotFoundError'))
    expect((await visit(harness, served)).came).toEqual({ cache: 0, network: threeChunks })
    restore()
    expect((await visit(harness, served)).came).toEqual({ cache: threeChunks, network: 0 })
  })

  test('among missing ones is not fetched from a server that ignores Range, nor overwritten by it', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(5 * chunkBytes, chunkBytes)
    await visit(harness, served)
    const [, second, , fourth] = served.file.chunks
    await editChunks(harness.databaseName, (chunks) => [second, fourth].map((key) => chunks.delete(key ?? '')))
    await served.misbehave({ kind: 'ignore-range' }, { kind: 'flip-byte', at: 0 })
    expect((await visit(harness, served)).came).toEqual({ cache: 3 * chunkBytes, network: 2 * chunkBytes })
    expect(await served.requests()).toHaveLength(1)
  })
})

describe('cachedBytes', () => {
  test('counts the stored chunks of the files that it is given', async () => {
    const harness = createHarness()
    const [served, other] = [await serveRandomFile(threeChunks, chunkBytes), await serveRandomFile(9, chunkBytes)]
    await visit(harness, served)
    await editChunks(harness.databaseName, (chunks) => chunks.delete(served.file.chunks[0] ?? ''))
    const store = await harness.open()
    expect(await store.cachedBytes([served.file, other.file], chunkBytes)).toBe(1.5 * chunkBytes)
    expect(await store.cachedBytes([other.file], chunkBytes)).toBe(0)
  })

  test('is 0 when the database cannot be read', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(threeChunks, chunkBytes)
    await visit(harness, served)
    const store = await harness.open()
    patch(IDBDatabase.prototype, 'transaction', throwing('UnknownError'))
    expect(await store.cachedBytes([served.file], chunkBytes)).toBe(0)
  })
})

describe('a load goes on from memory, and says once why,', () => {
  test.each(['QuotaExceededError', 'UnknownError', 'DataCloneError'])('when a put fails with %s', async (name) => {
    const harness = createHarness()
    const served = await serveRandomFile(9 * chunkBytes, chunkBytes)
    const restore = patch(IDBObjectStore.prototype, 'put', throwing(name))
    const { came, notStored } = await visit(harness, served)
    expect(came).toEqual({ cache: 0, network: 9 * chunkBytes })
    expect(notStored).toEqual([expect.stringContaining(name)])
    restore()
    expect((await visit(harness, served)).notStored).toEqual([])
    expect((await visit(harness, served)).came).toEqual({ cache: 9 * chunkBytes, network: 0 })
  })

  test('when the transaction of a put is aborted afterwards', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(threeChunks, chunkBytes)
    const put = IDBObjectStore.prototype.put
    patch(IDBObjectStore.prototype, 'put', function (this: IDBObjectStore, value: unknown, key?: IDBValidKey) {
      const request = put.call(this, value, key)
      request.addEventListener('success', () => this.transaction.abort())
      return request
    })
    const { notStored } = await visit(harness, served)
    expect(notStored).toEqual([expect.stringContaining('AbortError')])
    expect((await storedDigests(harness.databaseName)).keys).toEqual([])
  })

  test('when the database is of a newer version, which is left alone', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(threeChunks, chunkBytes)
    const newer = await openDatabase(harness.databaseName, 99)
    newer.close()
    expect((await visit(harness, served)).notStored).toEqual([expect.stringContaining('newer version')])
    const still = await openDatabase(harness.databaseName)
    expect(still.version).toBe(99)
    still.close()
  })

  test('when IndexedDB is forbidden', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(threeChunks, chunkBytes)
    const restore = patch(IDBFactory.prototype, 'open', throwing('SecurityError'))
    const { came, notStored } = await visit(harness, served)
    restore()
    expect(came).toEqual({ cache: 0, network: threeChunks })
    expect(notStored).toEqual([expect.stringContaining('cannot be opened')])
  })

  test('when IndexedDB is forbidden; the cache then is empty, and whoever clears it frees nothing', async () => {
    const harness = createHarness()
    const restore = patch(IDBFactory.prototype, 'open', throwing('SecurityError'))
    const { cache } = await harness.open()
    restore()
    expect(await cache.list()).toEqual([])
    expect([await cache.prune(), await cache.remove('none')]).toEqual([{ freedBytes: 0 }, { freedBytes: 0 }])
    await expect(cache.pin('none')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('when opening is blocked; an open that succeeds later is used from then on, and closed in the end', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(threeChunks, chunkBytes)
    const stubborn = await openDatabase(harness.databaseName)
    const deletion = settled(indexedDB.deleteDatabase(harness.databaseName))
    const store = await harness.open({ openDeadlineMs: 50 })
    const { result, notStored } = startLoad(store, served)
    expect(isSame(await result, served.bytes)).toBe(true)
    expect(notStored).toEqual([expect.stringContaining('opening took longer than 50 ms')])
    expect(await store.cachedBytes([served.file], chunkBytes)).toBe(0)
    stubborn.close()
    await deletion
    const kept = async () => {
      await startLoad(store, served).result
      await store.settled()
      return store.cachedBytes([served.file], chunkBytes)
    }
    await expect.poll(kept).toBe(threeChunks)
    await store.close()
    await deleteDatabase(harness.databaseName) // It would wait for ever for a connection that nobody closes.
  })

  test('when opening is blocked until the store is closed: what opens after that is closed again', async () => {
    const harness = createHarness()
    const stubborn = await openDatabase(harness.databaseName)
    const deletion = settled(indexedDB.deleteDatabase(harness.databaseName))
    const store = await harness.open({ openDeadlineMs: 50 })
    await store.close()
    const closed = spyOnClose()
    stubborn.close()
    await deletion
    await expect.poll(() => closed().filter((database) => database !== stubborn)).toHaveLength(1)
  })

  test('when the database hangs', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(9 * chunkBytes, chunkBytes)
    const store = await harness.open({ operationDeadlineMs: 50, maxPendingWriteBytes: 2 * chunkBytes })
    const release = await blockChunks(harness.databaseName)
    const { result, notStored } = startLoad(store, served)
    expect(isSame(await result, served.bytes)).toBe(true)
    await store.close()
    release()
    expect(notStored).toHaveLength(1)
  })

  test('when the database hangs and holds all of it: two waits are enough', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(40 * chunkBytes, chunkBytes)
    await visit(harness, served)
    const operationDeadlineMs = 400
    const store = await harness.open({ operationDeadlineMs })
    const release = await blockChunks(harness.databaseName)
    const open = vi.spyOn(IDBFactory.prototype, 'open')
    onTestFinished(() => open.mockRestore())
    const { result, came, notStored } = startLoad(store, served)
    expect(isSame(await result, served.bytes)).toBe(true)
    expect(came).toEqual({ cache: 0, network: 40 * chunkBytes })
    expect(open.mock.calls.length).toBeLessThanOrEqual(1)
    expect(notStored).toEqual([expect.stringContaining('hangs')])
    release()
  })
})

describe('a connection that is lost', () => {
  test('because another tab deletes the database does not block it; the next load opens a new one', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(threeChunks, chunkBytes)
    const store = await harness.open()
    await startLoad(store, served).result
    await deleteDatabase(harness.databaseName)
    const { result, came, notStored } = startLoad(store, served)
    await result
    await store.close()
    expect(came).toEqual({ cache: 0, network: threeChunks })
    expect(notStored).toEqual([])
    expect((await visit(harness, served)).came).toEqual({ cache: threeChunks, network: 0 })
  })

  test.each([
    ['and tells', true],
    ['and does not tell', false],
  ])('because the browser closes it %s is opened again by the next load', async (_, tells) => {
    const harness = createHarness()
    const served = await serveRandomFile(9 * chunkBytes, chunkBytes)
    const store = await harness.open()
    const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction')
    onTestFinished(() => transaction.mockRestore())
    await startLoad(store, served).result
    await expect.poll(async () => store.cachedBytes([served.file], chunkBytes)).toBe(9 * chunkBytes)
    // The method is called on connections only.
    const connection = transaction.mock.contexts[0] as IDBDatabase
    connection.close()
    if (tells) connection.dispatchEvent(new Event('close'))
    const { result, came, notStored } = startLoad(store, served)
    await result
    expect({ came, notStored }).toEqual({ came: { cache: 9 * chunkBytes, network: 0 }, notStored: [] })
    expect(new Set(transaction.mock.contexts).size).toBe(2)
  })

  test('in the middle of a load costs no more than keeping the rest', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(threeChunks, chunkBytes)
    const store = await harness.open()
    await served.misbehave({ kind: 'gather', count: 2, skip: 1 })
    let isDeleted = false
    const notStored: string[] = []
    const loaded = await store.load(served.file, {
      url: served.url,
      chunkBytes,
      signal: never,
      onBytes: () => {
        if (!isDeleted) indexedDB.deleteDatabase(harness.databaseName)
        isDeleted = true
      },
      onNotStored: (reason) => notStored.push(reason),
    })
    expect(isSame(loaded.intoOneBuffer(), served.bytes)).toBe(true)
    await store.close()
    expect(notStored).toEqual([])
    await served.misbehave()
    await visit(harness, served)
    expect((await visit(harness, served)).came).toEqual({ cache: threeChunks, network: 0 })
  })
})

describe('storing', () => {
  test('does not hold the load up; closing waits for it', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(threeChunks, chunkBytes)
    const store = await harness.open()
    const getAsMissing = patch(IDBObjectStore.prototype, 'get', throwing('UnknownError'))
    const release = await blockChunks(harness.databaseName)
    const bytes = await startLoad(store, served).result
    expect(isSame(bytes, served.bytes)).toBe(true)
    structuredClone(bytes, { transfer: [bytes.buffer] })
    getAsMissing()
    let isClosed = false
    const closed = store.close().then(() => (isClosed = true))
    await served.requests()
    expect(isClosed).toBe(false)
    release()
    await closed
    const { keys, digests } = await storedDigests(harness.databaseName)
    expect(keys).toEqual([...served.file.chunks].sort())
    expect(digests).toEqual(keys)
  })

  test('holds no more than its bound in memory: a download that is faster waits', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(9 * chunkBytes, chunkBytes)
    const store = await harness.open({ maxPendingWriteBytes: 2 * chunkBytes })
    patch(IDBObjectStore.prototype, 'get', throwing('UnknownError'))
    const put = vi.spyOn(IDBObjectStore.prototype, 'put')
    onTestFinished(() => put.mockRestore())
    const release = await blockChunks(harness.databaseName)
    const { result, came } = startLoad(store, served)
    // Four lanes: two chunks are being stored, and each of four lanes waits with one that is verified.
    await expect.poll(() => came.network).toBe(6 * chunkBytes)
    expect(put).toHaveBeenCalledTimes(2)
    release()
    expect(isSame(await result, served.bytes)).toBe(true)
    expect(put).toHaveBeenCalledTimes(9)
  })
})

describe('closing', () => {
  test('ends running loads with DISPOSED, refuses new ones, and leaves no connection open', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(threeChunks, chunkBytes)
    await served.misbehave({ kind: 'silence', skip: 1 })
    const store = await harness.open()
    const running = startLoad(store, served)
    await expect.poll(() => running.came.network).toBe(chunkBytes)
    const closedDatabases = spyOnClose()
    const closed = store.close()
    await expect(running.result).rejects.toMatchObject({ code: 'DISPOSED' })
    await closed
    expect(closedDatabases()).toHaveLength(1)
    await expect(startLoad(store, served).result).rejects.toMatchObject({ code: 'DISPOSED' })
    expect((await storedDigests(harness.databaseName)).keys).toEqual([served.file.chunks[0]])
  })

  test('twice is harmless', async () => {
    const store = await createHarness().open()
    await Promise.all([store.close(), store.close()])
    expect(await store.cachedBytes([], chunkBytes)).toBe(0)
  })
})

test('outside a secure context a load says that HTTPS or localhost is needed', async () => {
  const served = await serveRandomFile(1, chunkBytes)
  const store = await createHarness().open()
  Object.defineProperty(crypto, 'subtle', { value: undefined, configurable: true })
  const { result } = startLoad(store, served)
  await expect(result.finally(() => Reflect.deleteProperty(crypto, 'subtle'))).rejects.toMatchObject({
    code: 'DEVICE_UNSUPPORTED',
    message: expect.stringMatching(/HTTPS.*localhost/) as string,
  })
  expect(await served.requests()).toHaveLength(0)
})

test('a manifest whose digests do not fit the chunk size is refused before any request', async () => {
  const served = await serveRandomFile(threeChunks, chunkBytes)
  const store = await createHarness().open()
  const load = store.load(served.file, { url: served.url, chunkBytes: chunkBytes / 2, signal: never })
  await expect(load).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
  expect(await served.requests()).toHaveLength(0)
})
