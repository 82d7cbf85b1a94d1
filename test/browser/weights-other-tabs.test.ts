/** What another tab is loading is spared: neither prune nor eviction takes its chunks or its model. */
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { randomBytes } from './support/file-server-client.js'
import { chunkBytes, createHarness, storedDigests, type Harness } from './support/weights-harness.js'
import { loadModel, serveOneFileModel, serveRandomModel } from './support/weights-models.js'
import { openTab, type TabFaults } from './support/weights-tabs.js'

const chunkCount = 4
const serveModel = (id: string, chunks = chunkCount) => serveOneFileModel(id, randomBytes(chunks * chunkBytes))
const serveSmall = (id: string) => serveRandomModel(id, randomBytes(2 * chunkBytes), randomBytes(100))

/** A tab that has loaded and stored two chunks of a model, and waits for the others. */
async function startLoadingTab({ databaseName }: Harness, id: string, faults: TabFaults = {}) {
  const [tab, model] = [await openTab(databaseName, { holdsRequestsAfter: 2, ...faults }), await serveModel(id)]
  const keysBefore = (await storedDigests(databaseName)).keys.length
  const load = tab.load(model.graph, model.source)
  const keys = async () => (await storedDigests(databaseName)).keys
  await expect.poll(async () => (await keys()).length).toBe(keysBefore + 2)
  return { tab, load, model }
}

describe('while another tab loads a model', () => {
  test('prune deletes nothing, and the tab publishes it with the chunks that it had', async () => {
    const harness = createHarness()
    const store = await harness.open()
    const { tab, load, model } = await startLoadingTab(harness, 'a')
    expect(await store.cache.prune()).toEqual({ freedBytes: 0 })
    tab.goOn()
    expect(await load.sha256).toBe(model.graph.file.sha256)
    expect(load.notStored).toEqual([])
    expect(await store.cache.list()).toMatchObject([{ id: 'a', bytes: chunkCount * chunkBytes }])
    expect(await model.graph.requests()).toHaveLength(chunkCount)
  })

  test('want of space takes another model, not the chunks of that load', async () => {
    const harness = createHarness()
    const store = await harness.open({ quotaMarginBytes: 0 })
    const [old, next] = [await serveSmall('old'), await serveSmall('next')]
    await loadModel(store, old)
    const { tab, load } = await startLoadingTab(harness, 'a')
    const estimate = vi.spyOn(navigator.storage, 'estimate').mockResolvedValue({ quota: 1e9 + chunkBytes, usage: 1e9 })
    onTestFinished(() => estimate.mockRestore())
    expect(await loadModel(store, next)).toMatchObject({ evicted: ['old'], published: ['next'] })
    tab.goOn()
    await load.sha256
    expect(load.notStored).toEqual([])
    expect((await store.cache.list()).map(({ id }) => id).sort()).toEqual(['a', 'next'])
  })

  test('its model is not evicted, though it was used least recently', async () => {
    const harness = createHarness()
    const store = await harness.open({ maxBytes: 7 * chunkBytes })
    const [old, other, next] = [await serveSmall('a'), await serveSmall('b'), await serveModel('c', 3)]
    await loadModel(store, old)
    await loadModel(store, other)
    const { tab, load } = await startLoadingTab(harness, 'a')
    const evicted: string[] = []
    const admission = await store.admit(next.source, 'fp32', { onEvicted: (id) => evicted.push(id) })
    admission.giveUp()
    expect(evicted).toEqual(['b'])
    tab.goOn()
    await load.sha256
    expect((await store.cache.list()).map(({ id }) => id)).toEqual(['a'])
  })
})

describe('prune deletes the chunks of a load', () => {
  test('whose tab has crashed', async () => {
    const harness = createHarness()
    const store = await harness.open()
    const { tab } = await startLoadingTab(harness, 'a')
    tab.kill()
    await expect.poll(async () => (await store.cache.prune()).freedBytes).toBe(2 * chunkBytes)
  })

  test('of a tab without Web Locks; it answers all the same, and says that it is not stored', async () => {
    const harness = createHarness()
    const store = await harness.open()
    const { tab, load, model } = await startLoadingTab(harness, 'a', { lacks: ['locks'] })
    expect(await store.cache.prune()).toEqual({ freedBytes: 2 * chunkBytes })
    tab.goOn()
    expect(await load.sha256).toBe(model.graph.file.sha256)
    await expect.poll(() => load.notStored).toEqual([expect.stringContaining('not in the cache')])
  })
})
