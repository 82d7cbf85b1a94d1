import { expect, test } from 'vitest'
import { createClient, type Manifest } from 'edgeward'
import { connect, modelKey, type Connection, type PrepareEvent } from '../../packages/sdk/src/transport/index.js'
import { neverAborted } from '../../packages/sdk/src/shared/index.js'
import { deviceFirst, endpoint, testClient, tinyInput } from './support/clients.js'
import { serveModel, type ServedModel } from './support/models.js'
import { capturedWorkers } from './support/workers.js'

const workerLocks = async () => {
  const { held = [] } = await navigator.locks.query()
  return held.filter(({ name }) => name?.startsWith('edgeward-worker-'))
}

/** Held, or waited for. */
const downloadLocks = async ({ file }: ServedModel['graph']) => {
  const { held = [], pending = [] } = await navigator.locks.query()
  return [...held, ...pending].filter(({ name }) => name === `edgeward-weights-download-${file.sha256}`)
}

/** Resolves when nothing holds the database open; a connection left behind would block it. */
function deleteDatabases(): Promise<void[]> {
  const deleted = (name: string) =>
    new Promise<void>((resolve, reject) => {
      const request = indexedDB.deleteDatabase(name)
      request.onsuccess = () => resolve()
      request.onerror = () => reject(new Error(`${name} could not be deleted`))
      request.onblocked = () => reject(new Error(`${name} is still open`))
    })
  return indexedDB.databases().then((all) => Promise.all(all.map(({ name = '' }) => deleted(name))))
}

test('nothing is started before the first request', async () => {
  const { workers, restore } = capturedWorkers()
  const edge = createClient()
  await edge.capabilities()
  expect(workers).toEqual([])
  await edge.dispose()
  restore()
})

test('dispose leaves no worker and no open database', async () => {
  const edge = createClient()
  await edge.run('tiny-mlp', tinyInput())
  expect(await workerLocks()).toHaveLength(1)
  await edge.dispose()
  await expect.poll(workerLocks).toEqual([])
  expect(await indexedDB.databases()).not.toEqual([])
  await deleteDatabases()
})

test('what is pending when the client is disposed rejects with DISPOSED, and so does what comes after', async () => {
  const { modelsUrl, model, graph } = await serveModel('tiny-mlp')
  await graph.misbehave({ kind: 'silence' })
  const edge = createClient({ models: modelsUrl, remote: endpoint(), policy: deviceFirst })
  const pending = edge.run(model, tinyInput())
  const ended = expect(pending).rejects.toMatchObject({ code: 'DISPOSED' })
  await graph.arrival()
  await edge.dispose()
  await ended
  await expect(edge.run(model, tinyInput())).rejects.toMatchObject({ code: 'DISPOSED' })
  await edge.dispose()
  await expect.poll(workerLocks).toEqual([])
})

test('a client that is disposed in mid-download, or while it waits for the download of another, leaves no lock', async () => {
  const { modelsUrl, model, graph } = await serveModel('tiny-mlp')
  await graph.misbehave({ kind: 'silence' })
  const clients = [testClient({ models: modelsUrl }), testClient({ models: modelsUrl })]
  const ends = Promise.allSettled(clients.map((edge) => edge.run(model, tinyInput())))
  await expect.poll(() => downloadLocks(graph)).toHaveLength(2)
  await Promise.all(clients.map((edge) => edge.dispose()))
  expect(await ends).toMatchObject(clients.map(() => ({ reason: { code: 'DISPOSED' } })))
  await expect.poll(() => downloadLocks(graph)).toEqual([])
})

test('a client that is disposed while its worker starts leaves no worker', async () => {
  const edge = createClient()
  const pending = expect(edge.run('tiny-mlp', tinyInput())).rejects.toMatchObject({ code: 'DISPOSED' })
  await edge.dispose()
  await pending
  await expect.poll(workerLocks).toEqual([])
})

test.each(['at once', 'a moment later', 'manifest', 'download', 'verify', 'runtime', 'session', 'canary', 'ready'])(
  'a client that is disposed in the middle of everything (%s) rejects what is asked, and nothing that nobody asked',
  async (moment) => {
    const { modelsUrl, model } = await serveModel('tiny-mlp')
    const unhandled: unknown[] = []
    const note = (event: PromiseRejectionEvent) => unhandled.push(event.reason)
    addEventListener('unhandledrejection', note)
    const edge = testClient({ models: modelsUrl, remote: endpoint() })
    const disposed = new Promise<void>((resolve) => {
      const dispose = () => resolve(edge.dispose())
      edge.on('download', ({ phase }) => phase === moment && dispose())
      edge.on('ready', dispose)
      if (moment === 'a moment later') setTimeout(dispose)
      if (moment === 'at once') queueMicrotask(dispose)
    })
    const asked = [edge.run(model, tinyInput()), edge.prepare(model), edge.explain(model), edge.models.download(model)]
    const ends = await Promise.allSettled([...asked, edge.storage(), edge.models.list()])
    await disposed
    const codes = ends.map((end) => (end.status === 'rejected' ? (end.reason as { code: unknown }).code : 'DISPOSED'))
    expect(new Set(codes)).toEqual(new Set(['DISPOSED']))
    // The browser tells of unhandled rejections between two tasks.
    await new Promise((resolve) => setTimeout(resolve))
    removeEventListener('unhandledrejection', note)
    expect(unhandled).toEqual([])
  },
)

test('the worker frees every session, GPU device and database it opened', async () => {
  const worker = new Worker(new URL('../../packages/sdk/dist/worker.js', import.meta.url), { type: 'module' })
  const connection = await connect(worker, neverAborted())
  await prepareTinyMlp(connection)
  const left = await connection.call('shutdown', undefined, { signal: neverAborted() })
  expect(left).toEqual({ sessions: 0, gpuDevices: 0, databases: 0 })
  worker.terminate()
})

test('clients do not disturb each other', async () => {
  const [one, other] = [createClient(), testClient()]
  await Promise.all([one.run('tiny-mlp', tinyInput()), other.run('tiny-mlp', tinyInput())])
  await one.dispose()
  expect((await other.run('tiny-mlp', tinyInput())).placement).toMatchObject({ engine: 'device' })
})

async function prepareTinyMlp(connection: Connection): Promise<void> {
  const options = { signal: neverAborted() }
  const modelsUrls = [new URL('/models/', location.href).href]
  const source = await connection.call('locate', { modelsUrls, model: 'tiny-mlp', from: 'cache-first' }, options)
  await connection.call('register', source, options)
  const events = await prepare(connection, source.manifest)
  expect(events).toContainEqual({ type: 'ready' })
}

async function prepare(connection: Connection, manifest: Manifest): Promise<PrepareEvent[]> {
  const place = { model: modelKey(manifest), backend: 'wasm', variant: 'fp32', threads: 1 } as const
  const stream = await connection.call('prepare', place, { signal: neverAborted() })
  const events: PrepareEvent[] = []
  for await (const event of stream) events.push(event)
  return events
}
