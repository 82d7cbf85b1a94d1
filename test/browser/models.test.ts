/** The cache as a page sees it: `edge.models` and `edge.storage()`, with the worker as it is shipped. */
import { expect, inject, onTestFinished, test, vi } from 'vitest'
import type { DownloadProgress } from '../../packages/sdk/src/contract/index.js'
import { testClient, tinyInput } from './support/clients.js'
import { serveModel } from './support/models.js'
import { workerWithPrelude } from './support/worker-prelude.js'
import { capturedWorkers } from './support/workers.js'

/** A model that no other test has. */
const serveTiny = () => serveModel('tiny-mlp', `tiny-${crypto.randomUUID()}`)

/** A worker that cannot reach the server of the models. */
const offlineWorker = () =>
  workerWithPrelude(`const { fetch } = self
self.fetch = (url, init) => String(url).startsWith(${JSON.stringify(inject('fileServer'))})
  ? Promise.reject(new TypeError('offline')) : fetch(url, init)`)

test('a model that is downloaded is listed, and used without a second download', async () => {
  const { model, modelsUrl, graph } = await serveTiny()
  const edge = testClient({ models: modelsUrl, backends: ['wasm'] })
  expect(await edge.models.status(model)).toEqual({ state: 'absent' })
  const heard: DownloadProgress[] = []
  const status = await edge.models.download(model, { onProgress: (progress) => heard.push(progress) })
  const last = heard.at(-1)
  expect(status).toMatchObject({ state: 'cached', id: model, isPinned: false, bytes: last?.loadedBytes })
  expect(last).toMatchObject({ phase: 'download', loadedBytes: last?.totalBytes, cachedBytes: 0 })
  expect([...new Set(heard.map(({ phase }) => phase))]).toEqual(['manifest', 'download'])
  const again: DownloadProgress[] = []
  await edge.models.download(model, { onProgress: (progress) => again.push(progress) })
  expect(again.at(-1)).toMatchObject({ phase: 'verify', loadedBytes: last?.totalBytes, cachedBytes: last?.totalBytes })
  await graph.misbehave()
  await edge.run(model, tinyInput())
  expect(await graph.requests()).toEqual([])
  await edge.models.pin(model)
  expect(await edge.models.list()).toContainEqual(expect.objectContaining({ id: model, isPinned: true }))
  await edge.models.unpin(model)
  expect(await edge.models.verify(model)).toEqual({ chunks: 1, wrongChunks: 0 })
  const { usedBytes, quotaBytes, models } = await edge.storage()
  expect(models.map(({ id }) => id)).toContain(model)
  expect(usedBytes).toBeLessThan(quotaBytes ?? 0)
  expect((await edge.models.remove(model)).freedBytes).toBe(graph.bytes.length)
  expect(await edge.models.status(model)).toEqual({ state: 'absent' })
})

test('a download that is cancelled ends its requests at the server, and may be asked for again', async () => {
  const { model, modelsUrl, graph } = await serveTiny()
  await graph.misbehave({ kind: 'stall', afterBytes: 9, times: 1 })
  const edge = testClient({ models: modelsUrl, backends: ['wasm'] })
  const cancelling = new AbortController()
  const download = edge.models.download(model, { signal: cancelling.signal })
  await graph.arrival()
  const reason = new Error('the user went elsewhere')
  cancelling.abort(reason)
  await expect(download).rejects.toBe(reason)
  await expect.poll(async () => (await graph.requests()).map(({ abandoned }) => abandoned)).toEqual([true])
  expect(await edge.models.download(model)).toMatchObject({ state: 'cached' })
})

test('a download whose worker dies goes on in a fresh one', async () => {
  const { workers, restore } = capturedWorkers()
  onTestFinished(restore)
  const { model, modelsUrl, graph } = await serveTiny()
  await graph.misbehave({ kind: 'stall', afterBytes: 9, times: 1 })
  const edge = testClient({ models: modelsUrl, backends: ['wasm'] })
  const download = edge.models.download(model)
  await graph.arrival()
  workers[0]?.terminate()
  expect(await download).toMatchObject({ state: 'cached' })
  expect(workers).toHaveLength(2)
})

test('the second visit works without the models server', async () => {
  const { model, modelsUrl } = await serveTiny()
  const first = testClient({ models: modelsUrl, backends: ['wasm'] })
  const { output } = await first.run(model, tinyInput())
  await first.dispose()
  const second = testClient({ models: modelsUrl, backends: ['wasm'], workerUrl: offlineWorker() })
  expect((await second.run(model, tinyInput())).output).toEqual(output)
})

test('without the models server, a model that was never whole is not made up', async () => {
  const { model, modelsUrl, graph } = await serveTiny()
  await graph.misbehave({ kind: 'status', status: 404 })
  const first = testClient({ models: modelsUrl, backends: ['wasm'] })
  await expect(first.models.download(model)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
  await first.dispose()
  const second = testClient({ models: modelsUrl, backends: ['wasm'], workerUrl: offlineWorker() })
  await expect(second.models.download(model)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
})

test('a budget that is too small leaves the model in memory, and says why', async () => {
  const { model, modelsUrl } = await serveTiny()
  const edge = testClient({ models: modelsUrl, backends: ['wasm'], storage: { maxBytes: 10 } })
  const told = vi.fn()
  edge.on('storage', told)
  const { placement } = await edge.run(model, tinyInput())
  expect(placement.engine).toBe('device')
  expect(told.mock.calls).toEqual([[{ model, reason: expect.stringContaining('storage.maxBytes is 10') as string }]])
  expect(await edge.models.status(model)).toEqual({ state: 'absent' })
})

test('the browser is asked once to keep the storage, when the first model is in it', async () => {
  const persist = vi.spyOn(navigator.storage, 'persist').mockResolvedValue(true)
  onTestFinished(() => persist.mockRestore())
  const [a, b] = [await serveTiny(), await serveTiny()]
  const edge = testClient({ models: a.modelsUrl, backends: ['wasm'] })
  await edge.models.list()
  expect(persist).not.toHaveBeenCalled()
  await edge.models.download(a.model)
  expect(persist).toHaveBeenCalledOnce()
  await edge.models.download(a.model)
  await edge.dispose()
  const other = testClient({ models: b.modelsUrl, backends: ['wasm'] })
  await other.models.download(b.model)
  expect(persist).toHaveBeenCalledTimes(2)
})

test('a download that is cancelled ends at once, and fetches nothing more', async () => {
  const { model, modelsUrl, graph } = await serveTiny()
  await graph.misbehave({ kind: 'silence' })
  const edge = testClient({ models: modelsUrl, backends: ['wasm'] })
  const cancelling = new AbortController()
  const download = edge.models.download(model, { signal: cancelling.signal })
  download.catch(() => undefined) // It is awaited below.
  await graph.arrival()
  cancelling.abort()
  await expect(download).rejects.toMatchObject({ name: 'AbortError' })
  expect(await graph.requests()).toHaveLength(1)
})
