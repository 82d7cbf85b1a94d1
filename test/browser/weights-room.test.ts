/** Room for weights: what was made once is not counted on twice. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { randomBytes } from './support/file-server-client.js'
import { chunkBytes, createHarness, storedDigests } from './support/weights-harness.js'
import { loadModel, serveRandomModel } from './support/weights-models.js'

/** A model that shares no byte with another. */
const serveUnique = (id: string, chunks: number) =>
  serveRandomModel(id, randomBytes(chunks * chunkBytes), randomBytes(100))

/** From now on, the browser stores no chunk before one is deleted. */
function refuseChunksUntilOneIsDeleted(): void {
  let isFull = true
  const { put, delete: remove } = IDBObjectStore.prototype
  const restore = () => Object.assign(IDBObjectStore.prototype, { put, delete: remove })
  onTestFinished(() => void restore())
  IDBObjectStore.prototype.put = function (...parameters: Parameters<typeof put>) {
    if (this.name === 'chunks' && isFull) throw new DOMException('as the test wants it', 'QuotaExceededError')
    return put.apply(this, parameters)
  }
  IDBObjectStore.prototype.delete = function (...parameters: Parameters<typeof remove>) {
    isFull &&= this.name !== 'chunks'
    return remove.apply(this, parameters)
  }
}

test('room that was made for one load is not counted on by the next: the browser may have given it to others', async () => {
  const store = await createHarness().open()
  const [large, second, third] = [
    await serveUnique('large', 9),
    await serveUnique('second', 2),
    await serveUnique('third', 2),
  ]
  await loadModel(store, large)
  refuseChunksUntilOneIsDeleted()
  expect(await loadModel(store, second)).toEqual({ notStored: [], evicted: ['large'], published: ['second'] })
  refuseChunksUntilOneIsDeleted()
  expect(await loadModel(store, third)).toEqual({ notStored: [], evicted: ['second'], published: ['third'] })
})

test('models that load at the same time keep within the budget together', async () => {
  const store = await createHarness().open({ maxBytes: 5 * chunkBytes })
  const models = await Promise.all(['a', 'b', 'c'].map((id) => serveUnique(id, 2)))
  const loads = await Promise.all(models.map((model) => loadModel(store, model)))
  expect(loads.flatMap(({ published }) => published).sort()).toEqual(['a', 'b'])
  expect((await store.cache.storage()).usedBytes).toBeLessThanOrEqual(5 * chunkBytes)
})

test('models that load at the same time keep within the quota together, at the cost of those that are used least', async () => {
  const store = await createHarness().open({ quotaMarginBytes: 0 })
  const [old, ...models] = await Promise.all(['old', 'a', 'b'].map((id) => serveUnique(id, 2)))
  await loadModel(store, old!)
  const estimate = vi
    .spyOn(navigator.storage, 'estimate')
    .mockResolvedValue({ quota: 1e9 + 3 * chunkBytes, usage: 1e9 })
  onTestFinished(() => estimate.mockRestore())
  const loads = await Promise.all(models.map((model) => loadModel(store, model)))
  expect(loads.flatMap(({ published }) => published).sort()).toEqual(['a', 'b'])
  expect(loads.flatMap(({ evicted }) => evicted)).toEqual(['old'])
})

test.each([
  ['go when they and the model exceed the budget', 5, 0],
  ['stay when there is room for both', 8, 3],
])('chunks of a load that broke off %s', async (_, budget, left) => {
  const harness = createHarness()
  const store = await harness.open({ maxBytes: budget * chunkBytes })
  const kept = async () => (await storedDigests(harness.databaseName)).keys
  for (const id of ['a', 'b', 'c']) {
    const broken = await serveUnique(id, 3)
    await broken.asset.misbehave({ kind: 'status', status: 404 })
    await expect(loadModel(store, broken)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
    await store.settled()
    expect((await kept()).length).toBeLessThanOrEqual(budget)
  }
  const whole = await serveUnique('whole', 3)
  expect(await loadModel(store, whole)).toMatchObject({ published: ['whole'], evicted: [], notStored: [] })
  expect(await kept()).toHaveLength(left + whole.graph.file.chunks.length + whole.asset.file.chunks.length)
})

test('an origin without storage is told so: nothing is used, nothing is kept', async () => {
  const { cache } = await createHarness().open()
  const refused = new TypeError('as for an opaque origin')
  for (const method of ['estimate', 'persisted'] as const) {
    const spy = vi.spyOn(navigator.storage, method).mockRejectedValue(refused)
    onTestFinished(() => spy.mockRestore())
  }
  expect(await cache.storage()).toEqual({ usedBytes: 0, persisted: false, models: [] })
})
