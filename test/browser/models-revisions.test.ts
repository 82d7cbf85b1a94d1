/** Revisions: which one answers, what is asked of the models' server for it, and how a newer one comes. */
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Client, ClientOptions, EdgewardEvents } from 'edgeward'
import { testClient, tinyInput } from './support/clients.js'
import { serveRevisions, type ServedRevisions } from './support/model-revisions.js'
import { workerWithPrelude } from './support/worker-prelude.js'
import { capturedWorkers } from './support/workers.js'

/** The answer to `tinyInput`, whatever the revision. */
async function answer(edge: Client, model: string): Promise<unknown> {
  const { output, placement } = await edge.run(model, tinyInput())
  expect(placement).toMatchObject({ engine: 'device' })
  return output
}

const clientOf = ({ modelsUrl }: ServedRevisions, options: ClientOptions = {}) =>
  testClient({ models: modelsUrl, backends: ['wasm'], ...options })

/** A client that answers once and is gone: the model is in the cache afterwards. */
async function visit(served: ServedRevisions, name = served.model): Promise<unknown> {
  const edge = clientOf(served, { updates: 'manual' })
  const output = await answer(edge, name)
  await edge.models.download(name)
  await edge.dispose()
  return output
}

function updatesOf(edge: Client): Promise<EdgewardEvents['update']> {
  return new Promise((resolve) => edge.on('update', resolve))
}

const counts = async ({ requests }: ServedRevisions) => ({
  manifest: (await requests('manifest')).length,
  graph: (await requests('graph')).length,
})

async function sentBytes({ requests }: ServedRevisions): Promise<number> {
  return (await requests('graph')).reduce((sum, request) => sum + request.sentBytes, 0)
}

const nothing = { manifest: 0, graph: 0 }

/** The bytes of the chunks that the second manifest has and the first has not. */
function changedBytes(before: Awaited<ReturnType<ServedRevisions['publish']>>, after: typeof before): number {
  const [old, now] = [before, after].map(({ variants: [variant] }) => variant.graphs['model']?.file)
  if (!old || !now) throw new Error('a revision has no graph')
  return now.chunks.reduce((sum, digest, index) => {
    const bytes = Math.min(after.chunkBytes, now.bytes - index * after.chunkBytes)
    return old.chunks.includes(digest) ? sum : sum + bytes
  }, 0)
}

test('the second visit asks the models server for nothing', async () => {
  const served = await serveRevisions('r1')
  const output = await visit(served)
  await served.misbehave('manifest', { kind: 'status', status: 404 })
  await served.misbehave('graph')
  const edge = clientOf(served, { updates: 'manual' })
  expect(await answer(edge, served.model)).toEqual(output)
  expect(await counts(served)).toEqual(nothing)
})

test('a newer revision comes in the background, changed chunks only, and serves the next client', async () => {
  const served = await serveRevisions('r1')
  const first = await served.publish('r1')
  await visit(served)
  const second = await served.publish('r2')
  const edge = clientOf(served)
  const update = updatesOf(edge)
  await answer(edge, served.model)
  expect(await update).toEqual({ model: served.model, from: 'r1', to: 'r2' })
  expect(await sentBytes(served)).toBe(changedBytes(first, second))
  expect(await served.requests('manifest')).toHaveLength(1)
  expect(await edge.models.status(served.model)).toMatchObject({ state: 'cached', revision: 'r2' })
  await answer(edge, served.model)
  await edge.dispose()
  await served.misbehave('graph', { kind: 'status', status: 404 })
  const next = clientOf(served, { updates: 'manual' })
  await answer(next, served.model)
  expect(await served.requests('graph')).toEqual([])
  expect(await next.models.verify(served.model)).toMatchObject({ wrongChunks: 0 })
})

test('what comes in the background gives way to all else that the page fetches', async () => {
  const served = await serveRevisions('r1')
  await visit(served)
  await served.publish('r2')
  const channel = new BroadcastChannel(crypto.randomUUID())
  const priorities: unknown[] = []
  channel.addEventListener('message', ({ data }) => priorities.push(data))
  onTestFinished(() => channel.close())
  const workerUrl = workerWithPrelude(`const { fetch } = self
const channel = new BroadcastChannel(${JSON.stringify(channel.name)})
self.fetch = (url, init) => {
  if (String(url).endsWith('.onnx')) channel.postMessage(init.priority)
  return fetch(url, init)
}`)
  const edge = clientOf(served, { workerUrl })
  const update = updatesOf(edge)
  await answer(edge, served.model)
  await update
  await expect.poll(() => priorities).toEqual(['low'])
})

test.each([
  ['its files are not there', 'graph', 404],
  ['the server is broken', 'manifest', 403],
] as const)('when an update fails because %s, the cached revision serves on', async (_, file, status) => {
  const served = await serveRevisions('r1')
  await visit(served)
  await served.publish('r2')
  await served.misbehave(file, { kind: 'status', status })
  const edge = clientOf(served)
  const told = vi.fn()
  edge.on('update', told)
  edge.on('storage', told)
  await answer(edge, served.model)
  await expect.poll(async () => (await served.requests(file)).length).toBeGreaterThan(0)
  await answer(edge, served.model)
  expect(await edge.models.status(served.model)).toMatchObject({ state: 'cached', revision: 'r1' })
  await edge.dispose()
  expect(told).not.toHaveBeenCalled()
  const next = clientOf(served, { updates: 'manual' })
  await answer(next, served.model)
  expect(await next.models.verify(served.model)).toMatchObject({ wrongChunks: 0 })
})

test('a client that is disposed, or loses its worker, in mid-update leaves the cached revision', async () => {
  const served = await serveRevisions('r1')
  await visit(served)
  await served.publish('r2')
  await served.misbehave('graph', { kind: 'silence' })
  const disposed = clientOf(served)
  await answer(disposed, served.model)
  await expect.poll(async () => (await served.requests('graph')).length).toBeGreaterThan(0)
  await disposed.dispose()
  await served.misbehave('graph', { kind: 'silence' })
  const { workers, restore } = capturedWorkers()
  const bereft = clientOf(served)
  await answer(bereft, served.model)
  await expect.poll(async () => (await served.requests('graph')).length).toBeGreaterThan(0)
  workers[0]?.terminate()
  restore()
  await answer(clientOf(served, { updates: 'manual' }), served.model)
  expect(await bereft.models.status(served.model)).toMatchObject({ state: 'cached', revision: 'r1' })
})

test('with updates: manual, only a download brings the newest revision, and a check says what it would fetch', async () => {
  const served = await serveRevisions('r1')
  const first = await served.publish('r1')
  const edge = clientOf(served, { updates: 'manual' })
  const { missingBytes, ...rest } = await edge.models.checkForUpdate(served.model)
  expect(rest).toEqual({ availableRevision: 'r1', isUpdate: false })
  await visit(served)
  expect(await sentBytes(served)).toBe(missingBytes)
  const second = await served.publish('r2')
  await answer(edge, served.model)
  expect(await counts(served)).toEqual(nothing)
  const check = { cachedRevision: 'r1', availableRevision: 'r2', isUpdate: true }
  expect(await edge.models.checkForUpdate(served.model)).toEqual({
    ...check,
    missingBytes: changedBytes(first, second),
  })
  const update = updatesOf(edge)
  expect(await edge.models.download(served.model)).toMatchObject({ revision: 'r2' })
  expect(await update).toEqual({ model: served.model, from: 'r1', to: 'r2' })
  await answer(edge, served.model)
})

test('a download that cannot reach the source says what is cached; a check says that it failed', async () => {
  const served = await serveRevisions('r1')
  await visit(served)
  await served.misbehave('manifest', { kind: 'status', status: 403 })
  const edge = clientOf(served)
  expect(await edge.models.download(served.model)).toMatchObject({ state: 'cached', revision: 'r1' })
  await expect(edge.models.checkForUpdate(served.model)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
})

test('a pinned revision answers from the cache without a request, and another one is not taken for it', async () => {
  const served = await serveRevisions('r1')
  const { model } = served
  await visit(served, `${model}@r1`)
  await served.publish('r2')
  const edge = clientOf(served)
  await answer(edge, `${model}@r1`)
  expect(await edge.models.status(`${model}@r1`)).toMatchObject({ state: 'cached', revision: 'r1' })
  expect(await edge.models.status(`${model}@r2`)).toEqual({ state: 'absent' })
  expect(await counts(served)).toEqual(nothing)
  const unknown = edge.run(`${model}@r3`, tinyInput())
  await expect(unknown).rejects.toMatchObject({ code: 'MANIFEST_NOT_FOUND' })
  await expect(unknown).rejects.toThrow('which has revision "r2"')
  await answer(clientOf(served), `${model}@r2`)
  await expect.poll(() => edge.models.status(model)).toMatchObject({ state: 'cached', revision: 'r2' })
})

test('a client whose revision was replaced before it was loaded goes on with the new one', async () => {
  const served = await serveRevisions('r1')
  await visit(served)
  const edge = clientOf(served, { updates: 'manual' })
  await edge.explain(served.model) // It has found r1 in the cache, and loads it later.
  await served.publish('r2')
  await clientOf(served).models.download(served.model)
  await answer(edge, served.model)
})
