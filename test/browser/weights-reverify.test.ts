/** What is stored is hashed again where that is cheap, and where nobody did it for a week; else its size is checked. */
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { randomBytes } from './support/file-server-client.js'
import { chunkBytes, createHarness, editChunks, type Harness } from './support/weights-harness.js'
import { loadModel, serveRandomModel, type RandomModel } from './support/weights-models.js'

const serveUnique = (id: string) => serveRandomModel(id, randomBytes(2 * chunkBytes), randomBytes(100))

describe('what is stored of a large file', () => {
  const week = 7 * 24 * 60 * 60 * 1000
  const large = { alwaysVerifiedBytes: chunkBytes }
  const signal = new AbortController().signal

  /** A chunk as long as the right one: only its digest tells. */
  const rot = (harness: Harness, { graph }: RandomModel) =>
    editChunks(harness.databaseName, (chunks) => chunks.put(new Blob([randomBytes(chunkBytes)]), graph.file.chunks[0]))

  function aWeekLater(): void {
    const now = Date.now()
    const clock = vi.spyOn(Date, 'now').mockReturnValue(now + week)
    onTestFinished(() => clock.mockRestore())
  }

  test('is hashed again when its model was not verified for a week, and heals', async () => {
    const harness = createHarness()
    const [store, model] = [await harness.open(large), await serveUnique('a')]
    await loadModel(store, model)
    await rot(harness, model)
    aWeekLater()
    await model.graph.misbehave()
    await loadModel(store, model)
    expect(await model.graph.requests()).toHaveLength(1)
    expect((await store.cache.list())[0]?.verifiedAt).toBe(Date.now())
    expect(await store.cache.verify('a')).toEqual({ chunks: 3, wrongChunks: 0 })
  })

  test('is not hashed within the week, which does not count as verified; verify() finds its rot', async () => {
    const harness = createHarness()
    const [store, model] = [await harness.open(large), await serveUnique('a')]
    await loadModel(store, model)
    const [first] = await store.cache.list()
    await rot(harness, model)
    await expect.poll(() => Date.now()).toBeGreaterThan(first?.verifiedAt ?? Infinity)
    await model.graph.misbehave()
    await loadModel(store, model)
    expect(await model.graph.requests()).toHaveLength(0)
    expect((await store.cache.list())[0]?.verifiedAt).toBe(first?.verifiedAt)
    expect(await store.cache.verify('a')).toEqual({ chunks: 3, wrongChunks: 1 })
  })

  test('is fetched again within the week when it has another length', async () => {
    const harness = createHarness()
    const [store, model] = [await harness.open(large), await serveUnique('a')]
    await loadModel(store, model)
    await editChunks(harness.databaseName, (chunks) => chunks.put(new Blob(['cut']), model.graph.file.chunks[0]))
    await model.graph.misbehave()
    await loadModel(store, model)
    expect(await model.graph.requests()).toHaveLength(1)
  })

  test('is hashed again after an interrupted download, since no record vouches for it', async () => {
    const harness = createHarness()
    const [store, model] = [await harness.open(large), await serveUnique('a')]
    const { file, url } = model.graph
    await store.load(file, { url, chunkBytes, signal })
    await store.settled()
    await rot(harness, model)
    await model.graph.misbehave()
    await loadModel(store, model)
    expect(await model.graph.requests()).toHaveLength(1)
    expect(await store.cache.verify('a')).toEqual({ chunks: 3, wrongChunks: 0 })
  })

  test('is hashed always when the file is small', async () => {
    const harness = createHarness()
    const [store, model] = [await harness.open(), await serveUnique('a')]
    await loadModel(store, model)
    await rot(harness, model)
    await model.graph.misbehave()
    await loadModel(store, model)
    expect(await model.graph.requests()).toHaveLength(1)
    expect(await store.cache.verify('a')).toEqual({ chunks: 3, wrongChunks: 0 })
  })
})
