/** The policy `offline`: what is in the cache answers, what is missing is said, and nobody is asked for anything. */
import { expect, onTestFinished, test, vi } from 'vitest'
import type { ClientOptions } from 'edgeward'
import { endpoint, testClient, tinyInput } from './support/clients.js'
import { serveRevisions, type ServedRevisions } from './support/model-revisions.js'
import { editChunks } from './support/weights-harness.js'
import { workerWithPrelude } from './support/worker-prelude.js'

const offline = { policy: { offline: true } } as const

/** A worker that fetches its own scripts and nothing else: every other request is reported, and never made. */
function watchedWorker() {
  const channel = new BroadcastChannel(crypto.randomUUID())
  const asked: unknown[] = []
  channel.addEventListener('message', ({ data }) => asked.push(data))
  onTestFinished(() => channel.close())
  const workerUrl = workerWithPrelude(`const { fetch } = self
const channel = new BroadcastChannel(${JSON.stringify(channel.name)})
self.fetch = (url, init) => {
  if (String(url).includes('/shipped/ort/')) return fetch(url, init)
  channel.postMessage(String(url))
  return Promise.reject(new TypeError('no request was to be made'))
}`)
  return { workerUrl, asked }
}

function offlineClient(served: ServedRevisions, options: ClientOptions = {}) {
  const { workerUrl, asked } = watchedWorker()
  return {
    edge: testClient({ models: served.modelsUrl, backends: ['wasm'], workerUrl, ...offline, ...options }),
    asked,
  }
}

async function bring(served: ServedRevisions): Promise<void> {
  await testClient({ models: served.modelsUrl, backends: ['wasm'] }).models.download(served.model)
  for (const file of ['manifest', 'graph'] as const) await served.misbehave(file)
}

test('a cached model answers, is explained and verified, without a request', async () => {
  const served = await serveRevisions('r1')
  await bring(served)
  const fetched = vi.spyOn(globalThis, 'fetch')
  onTestFinished(() => fetched.mockRestore())
  const { edge, asked } = offlineClient(served, { remote: endpoint() })
  const { placement } = await edge.run(served.model, tinyInput())
  expect(placement).toMatchObject({ engine: 'device' })
  const { placements, ruledOut } = await edge.explain(served.model)
  expect(placements).toMatchObject([{ missingBytes: 0 }])
  expect(ruledOut).toContainEqual(expect.objectContaining({ reason: expect.stringContaining('offline') as string }))
  expect(await edge.models.download(served.model)).toMatchObject({ state: 'cached' })
  await expect(edge.models.checkForUpdate(served.model)).rejects.toMatchObject({ code: 'NOT_CACHED' })
  expect(await edge.models.verify(served.model)).toMatchObject({ wrongChunks: 0 })
  await edge.dispose()
  expect(asked).toEqual([])
  expect(fetched).not.toHaveBeenCalled()
  expect([await served.requests('manifest'), await served.requests('graph')]).toEqual([[], []])
})

test('a model that is not cached ends with NOT_CACHED, which says how to bring it, and nobody is asked', async () => {
  const served = await serveRevisions('r1')
  const fetched = vi.spyOn(globalThis, 'fetch')
  onTestFinished(() => fetched.mockRestore())
  const { edge, asked } = offlineClient(served, { remote: endpoint() })
  const { model } = served
  for (const failing of [edge.run(model, tinyInput()), edge.prepare(model), edge.models.download(model)]) {
    await expect(failing).rejects.toMatchObject({
      code: 'NOT_CACHED',
      details: { model, missingFiles: ['manifest.json'] },
    })
    await expect(failing).rejects.toThrow(`models.download("${model}")`)
  }
  await edge.dispose()
  expect(asked).toEqual([])
  expect(fetched).not.toHaveBeenCalled()
})

test('a chunk that was lost ends with NOT_CACHED, which says what is missing, and a download mends it', async () => {
  const served = await serveRevisions('r1')
  const { variants } = await served.publish('r1')
  await bring(served)
  const file = variants[0].graphs['model']?.file
  const lost = file?.chunks.at(-1) ?? ''
  await editChunks('edgeward-weights', (chunks) => void chunks.delete(lost))
  const { edge, asked } = offlineClient(served)
  await expect(edge.run(served.model, tinyInput())).rejects.toMatchObject({
    code: 'NOT_CACHED',
    details: { missingFiles: [file?.path], missingBytes: (file?.bytes ?? 0) % 256 },
  })
  expect(asked).toEqual([])
  await bring(served)
  await edge.run(served.model, tinyInput())
  expect(asked).toEqual([])
})

test('one offline request of a client that has a network is no request to anybody else', async () => {
  const served = await serveRevisions('r1')
  const edge = testClient({ models: served.modelsUrl, backends: ['wasm'] })
  await expect(edge.run(served.model, tinyInput(), offline)).rejects.toMatchObject({ code: 'NOT_CACHED' })
  await edge.models.download(served.model)
  for (const file of ['manifest', 'graph'] as const) await served.misbehave(file, { kind: 'status', status: 500 })
  expect((await edge.run(served.model, tinyInput(), offline)).placement).toMatchObject({ engine: 'device' })
  expect([await served.requests('manifest'), await served.requests('graph')]).toEqual([[], []])
})
