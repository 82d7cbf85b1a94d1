/** A model is in the cache through one record, written last: what is listed is whole, and what nobody needs goes. */
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { randomBytes, serveRandomFile } from './support/file-server-client.js'
import {
  chunkBytes,
  createHarness,
  editChunks,
  openDatabase,
  settled,
  startLoad,
  storedDigests,
  visit,
} from './support/weights-harness.js'
import { loadModel, serveRandomModel, type RandomModel } from './support/weights-models.js'

const listed = ({ id }: { id: string }) => id
const digestsOf = (...models: RandomModel[]) =>
  [...new Set(models.flatMap(({ graph, asset }) => [...graph.file.chunks, ...asset.file.chunks]))].sort()
const joined = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]))

/** A model that shares no byte with another. */
const serveUnique = (id: string, chunks = 2) => serveRandomModel(id, randomBytes(chunks * chunkBytes), randomBytes(100))

/** What the browser says it has room for, until the test ends. */
function freeBytes(bytes: number): void {
  const estimate = vi.spyOn(navigator.storage, 'estimate').mockResolvedValue({ quota: 1e9 + bytes, usage: 1e9 })
  onTestFinished(() => estimate.mockRestore())
}

/** From now on, `put` of a chunk, or into another store, fails for want of storage as long as `isFull` says so. */
function failPutsWhile(isFull: () => boolean, store = 'chunks'): void {
  const put = IDBObjectStore.prototype.put
  onTestFinished(() => void (IDBObjectStore.prototype.put = put))
  IDBObjectStore.prototype.put = function (...parameters: Parameters<typeof put>) {
    if (this.name === store && isFull()) throw new DOMException('as the test wants it', 'QuotaExceededError')
    return put.apply(this, parameters)
  }
}

/** Refuses what is stored until something was deleted. */
function failPutsUntilDelete(store?: string): void {
  let isFull = true
  const remove = vi.spyOn(IDBObjectStore.prototype, 'delete').mockImplementationOnce(function (
    this: IDBObjectStore,
    key,
  ) {
    isFull = false
    return this.delete(key)
  })
  onTestFinished(() => remove.mockRestore())
  failPutsWhile(() => isFull, store)
}

describe('the database', () => {
  test.each([1, 2, 3])('of version %i keeps what it has when it becomes version 4', async (version) => {
    const harness = createHarness()
    const served = await serveRandomFile(2.5 * chunkBytes, chunkBytes)
    const opening = indexedDB.open(harness.databaseName, version)
    const [kept, pin] = [
      { id: 'kept', chunks: [] },
      { key: 'kept', sha256: 'a'.repeat(64) },
    ]
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore('chunks')
      if (version > 1) opening.result.createObjectStore('models', { keyPath: 'id' }).put(kept)
      if (version > 2) opening.result.createObjectStore('pins', { keyPath: 'key' }).put(pin)
    }
    const old = await settled(opening)
    const chunks = old.transaction('chunks', 'readwrite').objectStore('chunks')
    await Promise.all(
      served.file.chunks.map((digest, i) =>
        settled(chunks.put(new Blob([served.bytes.slice(i * chunkBytes, (i + 1) * chunkBytes)]), digest)),
      ),
    )
    old.close()
    expect((await visit(harness, served)).came).toEqual({ cache: 2.5 * chunkBytes, network: 0 })
    const now = await openDatabase(harness.databaseName)
    expect({ version: now.version, stores: [...now.objectStoreNames] }).toEqual({
      version: 4,
      stores: ['benchmarks', 'chunks', 'measurements', 'models', 'pins'],
    })
    const all = (store: string) => settled(now.transaction(store).objectStore(store).getAll())
    expect(await all('models')).toEqual(version > 1 ? [kept] : [])
    expect(await all('pins')).toEqual(version > 2 ? [pin] : [])
    now.close()
  })

  test('keeps chunks as ArrayBuffers where a browser refuses Blobs', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(2.5 * chunkBytes, chunkBytes)
    const put = IDBObjectStore.prototype.put
    let refused = 0
    onTestFinished(() => void (IDBObjectStore.prototype.put = put))
    IDBObjectStore.prototype.put = function (...parameters: Parameters<typeof put>) {
      if (!(parameters[0] instanceof Blob)) return put.apply(this, parameters)
      refused += 1
      throw new DOMException('no Blobs here', 'DataCloneError')
    }
    expect((await visit(harness, served)).notStored).toEqual([])
    expect((await visit(harness, served)).came).toEqual({ cache: 2.5 * chunkBytes, network: 0 })
    // Those that were on their way when the first was refused; later ones are not tried as Blobs.
    expect(refused).toBeLessThanOrEqual(4)
  })
})

describe('a model', () => {
  test('is listed when its last chunk is stored, not before', async () => {
    const [store, model] = [await createHarness().open(), await serveUnique('a')]
    await startLoad(store, model.graph).result
    expect(await store.cache.list()).toEqual([])
    expect((await loadModel(store, model)).published).toEqual(['a'])
    expect(await store.cache.status('a')).toMatchObject({
      state: 'cached',
      revision: '1',
      variants: ['fp32'],
      bytes: 2 * chunkBytes + 100,
      isPinned: false,
    })
    expect((await loadModel(store, model)).published).toEqual([])
  })

  test('whose download broke off is not listed; the next load fetches the rest only', async () => {
    const [store, model] = [await createHarness().open(), await serveUnique('a')]
    await model.asset.misbehave({ kind: 'status', status: 404 })
    await expect(loadModel(store, model)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
    await store.settled()
    expect(await store.cache.status('a')).toEqual({ state: 'absent' })
    await Promise.all([model.asset.misbehave(), model.graph.misbehave()])
    await loadModel(store, model)
    expect((await store.cache.list()).map(listed)).toEqual(['a'])
    expect(await model.graph.requests()).toEqual([])
  })

  test('that lost a chunk while it was loaded is not listed, and the load says so', async () => {
    const harness = createHarness()
    const [store, model] = [await harness.open(), await serveUnique('a')]
    const admission = await store.admit(model.source, 'fp32', { onNotStored: (reason) => reasons.push(reason) })
    const reasons: string[] = []
    await startLoad(store, model.graph).result
    await startLoad(store, model.asset).result
    await store.settled()
    await editChunks(harness.databaseName, (chunks) => chunks.delete(model.graph.file.chunks[0] ?? ''))
    admission.publish()
    await store.settled()
    expect(reasons).toEqual([expect.stringContaining('not in the cache')])
    expect(await store.cache.list()).toEqual([])
  })

  test('shares its chunks: a new revision fetches what changed, and takes the place of the old one when it is whole', async () => {
    const harness = createHarness()
    const store = await harness.open()
    const [same, asset] = [randomBytes(chunkBytes), randomBytes(10)]
    const old = await serveRandomModel('a', joined(same, randomBytes(chunkBytes)), asset, '1')
    const next = await serveRandomModel('a', joined(same, randomBytes(chunkBytes)), asset, '2')
    await loadModel(store, old)
    await store.cache.pin('a')
    await next.graph.misbehave({ kind: 'status', status: 404 })
    await expect(loadModel(store, next)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
    expect(await store.cache.status('a')).toMatchObject({ revision: '1' })
    await next.graph.misbehave()
    await loadModel(store, next)
    expect(await store.cache.list()).toMatchObject([{ id: 'a', revision: '2', isPinned: true }])
    expect(await next.graph.requests()).toHaveLength(1)
    expect((await storedDigests(harness.databaseName)).keys).toEqual(digestsOf(next))
  })

  test('takes along when it goes what no other model needs', async () => {
    const harness = createHarness()
    const store = await harness.open()
    const shared = randomBytes(chunkBytes)
    const a = await serveRandomModel('a', joined(shared, randomBytes(chunkBytes)), randomBytes(10))
    const b = await serveRandomModel('b', joined(shared, randomBytes(chunkBytes)), randomBytes(10))
    await loadModel(store, a)
    await loadModel(store, b)
    expect((await storedDigests(harness.databaseName)).keys).toEqual(digestsOf(a, b))
    expect(await store.cache.storage()).toMatchObject({ usedBytes: 3 * chunkBytes + 20 })
    expect(await store.cache.remove('a')).toEqual({ freedBytes: chunkBytes + 10 })
    expect((await storedDigests(harness.databaseName)).keys).toEqual(digestsOf(b))
    expect(await store.cache.remove('b')).toEqual({ freedBytes: 2 * chunkBytes + 10 })
    expect(await store.cache.remove('b')).toEqual({ freedBytes: 0 })
  })

  test('that is verified tells of rot; it comes back with its next load, which fetches the rotten chunk only', async () => {
    const harness = createHarness()
    const [store, model, other] = [await harness.open(), await serveUnique('a'), await serveUnique('b')]
    await loadModel(store, model)
    await loadModel(store, other)
    expect(await store.cache.verify('a')).toEqual({ chunks: 3, wrongChunks: 0 })
    await editChunks(harness.databaseName, (chunks) => chunks.put(new Blob(['rotten']), model.graph.file.chunks[1]))
    await model.graph.misbehave()
    expect(await store.cache.verify('a')).toEqual({ chunks: 3, wrongChunks: 1 })
    expect((await store.cache.list()).map(listed)).toEqual(['b'])
    expect((await loadModel(store, model)).published).toEqual(['a'])
    expect(await model.graph.requests()).toHaveLength(1)
  })

  test('that is loaded again was verified by that, since every chunk of it was read and checked', async () => {
    const [store, model] = [await createHarness().open(), await serveUnique('a')]
    await loadModel(store, model)
    const [first] = await store.cache.list()
    await expect.poll(() => Date.now()).toBeGreaterThan(first?.verifiedAt ?? Infinity)
    await loadModel(store, model)
    const [again] = await store.cache.list()
    expect(again?.verifiedAt).toBeGreaterThan(first?.verifiedAt ?? Infinity)
    expect(again?.addedAt).toBe(first?.addedAt)
  })

  test('that is not there cannot be pinned or verified', async () => {
    const { cache } = await createHarness().open()
    for (const asked of [cache.pin('a'), cache.unpin('a'), cache.verify('a')]) {
      await expect(asked).rejects.toMatchObject({ code: 'INVALID_OPTION', message: expect.stringContaining('"a"') })
    }
  })
})

test('prune deletes what was never finished, and nothing else', async () => {
  const harness = createHarness()
  const [store, model, unfinished] = [await harness.open(), await serveUnique('a'), await serveUnique('b', 3)]
  await loadModel(store, model)
  await startLoad(store, unfinished.graph).result
  await store.settled()
  expect(await store.cache.prune()).toEqual({ freedBytes: 3 * chunkBytes })
  expect((await storedDigests(harness.databaseName)).keys).toEqual(digestsOf(model))
})

describe('where storage is scarce', () => {
  test('a budget lets the least recently used model go, but none that is pinned', async () => {
    const store = await createHarness().open({ maxBytes: 5 * chunkBytes })
    const models = await Promise.all(['a', 'b', 'c', 'd'].map((id) => serveUnique(id)))
    await loadModel(store, models[0]!)
    await store.cache.pin('a')
    await loadModel(store, models[1]!)
    expect(await loadModel(store, models[2]!)).toMatchObject({ evicted: ['b'], notStored: [], published: ['c'] })
    await store.cache.pin('c')
    const { notStored, published } = await loadModel(store, models[3]!)
    expect(published).toEqual([])
    expect(new Set(notStored)).toEqual(new Set([expect.stringContaining('no other model may make room')]))
    expect((await store.cache.list()).map(listed)).toEqual(['a', 'c'])
  })

  test('a model that exceeds the quota is not stored at all, and costs no other model its place', async () => {
    const harness = createHarness()
    const [store, small, large] = [
      await harness.open({ quotaMarginBytes: 0 }),
      await serveUnique('a'),
      await serveUnique('b', 9),
    ]
    await loadModel(store, small)
    freeBytes(3 * chunkBytes)
    expect((await loadModel(store, large)).notStored[0]).toMatch(/needs \d+ more bytes.*the browser has room for/)
    expect((await storedDigests(harness.databaseName)).keys).toEqual(digestsOf(small))
  })

  test('a model that the quota has no room for takes the place of another', async () => {
    const [store, a, b] = [
      await createHarness().open({ quotaMarginBytes: 0 }),
      await serveUnique('a'),
      await serveUnique('b'),
    ]
    await loadModel(store, a)
    freeBytes(chunkBytes)
    expect(await loadModel(store, b)).toEqual({ notStored: [], evicted: ['a'], published: ['b'] })
  })

  test('a chunk that the browser refuses takes the place of a model that is used least', async () => {
    const [store, a, b] = [await createHarness().open(), await serveUnique('a', 9), await serveUnique('b')]
    await loadModel(store, a)
    const { usedBytes } = await store.cache.storage()
    failPutsUntilDelete()
    expect(usedBytes).toBe(9 * chunkBytes + 100)
    expect(await loadModel(store, b)).toEqual({ notStored: [], evicted: ['a'], published: ['b'] })
  })

  test('a record that the browser refuses takes the place of a model that is used least', async () => {
    const [store, a, b] = [await createHarness().open(), await serveUnique('a'), await serveUnique('b')]
    await loadModel(store, a)
    failPutsUntilDelete('models')
    expect(await loadModel(store, b)).toEqual({ notStored: [], evicted: ['a'], published: ['b'] })
  })

  test('a record that the browser refuses for ever leaves the model unlisted, and says why', async () => {
    const [store, a] = [await createHarness().open(), await serveUnique('a')]
    failPutsWhile(() => true, 'models')
    expect(await loadModel(store, a)).toMatchObject({
      notStored: [expect.stringContaining('as the test wants it')],
      published: [],
    })
  })

  test('a chunk that the browser refuses for ever leaves the load in memory, and says why', async () => {
    const [store, a] = [await createHarness().open(), await serveUnique('a')]
    failPutsWhile(() => true)
    const { notStored, published } = await loadModel(store, a)
    expect(notStored[0]).toContain('QuotaExceededError')
    expect(published).toEqual([])
  })
})
