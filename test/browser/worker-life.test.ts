/** The life of the worker as it is shipped: one that hangs is ended, one that is broken or worn is replaced. */
import { expect, onTestFinished, test } from 'vitest'
import type { HealthChange, ModelSource, Placement, Tensor } from '../../packages/sdk/src/contract/index.js'
import { createDeviceEngine, WorkerHost, type WorkerHostOptions } from '../../packages/sdk/src/runtime/index.js'
import { neverAborted } from '../../packages/sdk/src/shared/index.js'
import { deviceFirst, testClient, tinyInput } from './support/clients.js'
import { workerWithFault } from './support/faulty-runtime.js'
import { serveModel } from './support/models.js'
import { workerWithPrelude } from './support/worker-prelude.js'
import { capturedWorkers } from './support/workers.js'

const place: Placement = { engine: 'device', backend: 'wasm', variant: 'fp32' }
const asShipped = '/shipped/worker.js'

/** A device engine whose first worker is started from this script, and those after it as they are shipped. */
async function startDevice(firstWorker: string, options: Partial<WorkerHostOptions> = {}) {
  const { modelsUrl, model } = await serveModel('tiny-mlp')
  const manifestUrl = `${modelsUrl}${model}/manifest.json`
  // The test's server has the packing tool's own manifest.
  const source = { manifest: await (await fetch(manifestUrl)).json(), manifestUrl } as ModelSource
  const started: string[] = []
  const health: HealthChange[] = []
  const host = new WorkerHost({
    spawn: () => {
      const script = started.length === 0 ? firstWorker : asShipped
      started.push(script)
      return new Worker(script, { type: 'module' })
    },
    onHealth: (change) => health.push(change),
    ...options,
  })
  const nothing = () => undefined
  const listener = { onDownload: nothing, onReady: nothing, onNotStored: nothing, onPublished: nothing }
  const engine = createDeviceEngine(host, 1, listener)
  onTestFinished(async () => {
    expect(await host.dispose()).toEqual({ sessions: 0, gpuDevices: 0, databases: 0 })
  })
  const request = { ...source, model, task: 'tensors', input: tinyInput(), options: {} } as const
  const run = async (): Promise<Tensor | undefined> => (await engine.run(place, request, neverAborted())).output['y']
  const states = () => health.map(({ part, state }) => `${part} ${state}`)
  return { host, run, started, states }
}

const hangs = {
  'in a run that never ends': () => workerWithFault('({ run, before }) => before > 0 ? new Promise(() => {}) : run()'),
  'in a run that blocks its thread': () => workerWithFault('({ run, before }) => { while (before > 0); return run() }'),
  'while a session is made': () =>
    workerWithFault(
      '({ run }) => run()',
      'wasm',
      'self.beforeSession = (before) => before > 0 && new Promise(() => {})',
    ),
  'while the runtime starts': () =>
    Promise.resolve(workerWithPrelude('WebAssembly.instantiate = () => new Promise(() => {})')),
}

test.each(Object.entries(hangs))(
  'a worker that hangs %s is ended, and a fresh one answers the next request',
  async (_where, firstWorker) => {
    const { run, started, states } = await startDevice(await firstWorker(), { hangMs: 4_000 })
    await expect(run()).rejects.toMatchObject({ code: 'WORKER_DIED', details: { hung: true } })
    expect((await run())?.shape).toEqual([2, 3])
    expect(started).toHaveLength(2)
    expect(states()).toEqual(['worker lost', 'worker recovered'])
  },
)

test('a worker whose script cannot be loaded for a moment costs no request', async () => {
  const { run, started, states } = await startDevice('/there/is/no/worker.js')
  expect((await run())?.shape).toEqual([2, 3])
  expect([started.length, states()]).toEqual([2, []])
})

test('a worker whose runtime throws a bare number is replaced; what it was asked beside that is answered', async () => {
  const fault = '({ run, before }) => { if (before === 2) throw 1991937888; return run() }'
  const { run, started, states } = await startDevice(await workerWithFault(fault))
  const expected = await run()
  const ends = await Promise.allSettled([run(), run()])
  expect(ends.map(({ status }) => status)).toContain('rejected')
  expect(await run()).toEqual(expected)
  expect(started).toHaveLength(2)
  expect(states()).toEqual(['worker lost', 'worker recovered'])
})

test('a page that comes back ends a worker that does not answer', async () => {
  const blocked = workerWithPrelude(`onmessage = ({ data }) => { while (data === 'block') ; }`)
  const workers: Worker[] = []
  const { host, run, states } = await startDevice(blocked, {
    spawn: () => {
      const worker = new Worker(workers.length === 0 ? blocked : asShipped, { type: 'module' })
      workers.push(worker)
      return worker
    },
  })
  await run()
  workers[0]?.postMessage('block')
  await host.recheck()
  expect(states()).toEqual(['worker lost'])
  await run()
  expect(workers).toHaveLength(2)
})

test('a worker that has done its runs is replaced under a stream of requests: all of them are answered on the device', async () => {
  const { workers, restore } = capturedWorkers()
  onTestFinished(restore)
  const { modelsUrl, model } = await serveModel('tiny-mlp')
  const edge = testClient({
    models: modelsUrl,
    backends: ['wasm'],
    policy: deviceFirst,
    recycle: { runs: 20, heapGrowthBytes: 1e9 },
  })
  const replaced: string[] = []
  edge.on('health', ({ state, reason }) => replaced.push(`${state}: ${reason}`))
  const { output: expected } = await edge.run(model, tinyInput())
  while (replaced.length < 2) {
    const { output, placement, attempts } = await edge.run(model, tinyInput())
    expect([output, placement.engine, attempts]).toEqual([expected, 'device', []])
  }
  expect(replaced).toEqual(replaced.map(() => expect.stringMatching(/^replaced: .* it has done \d+ runs/) as string))
  expect(workers).toHaveLength(3)
})

test('a page that is left ends its worker, and what it asks when it is back is answered by a fresh one', async () => {
  const { host, run, started } = await startDevice(asShipped)
  const expected = await run()
  host.leave()
  const asked = run()
  await host.recheck()
  expect(await asked).toEqual(expected)
  expect(started).toHaveLength(2)
})
