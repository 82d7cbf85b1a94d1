/** No answer that is not true: what the runtime throws, gives wrongly or does not give costs an attempt, never more. */
import { expect, test } from 'vitest'
import { isEdgewardError, type Tensor } from 'edgeward'
import { neverAborted } from '../../packages/sdk/src/shared/index.js'
import { connect, modelKey } from '../../packages/sdk/src/transport/index.js'
import { deviceFirst, endpoint, largestDifference, testClient, tinyInput } from './support/clients.js'
import { workerWithFault } from './support/faulty-runtime.js'
import { serveModel } from './support/models.js'
import { serveGraph } from './support/served-graph.js'
import { workerWithPrelude } from './support/worker-prelude.js'

/** Five rows: more values than a few zeros. */
const rows: { x: Tensor } = {
  x: { dtype: 'float32', shape: [5, 4], data: Float32Array.from({ length: 20 }, (_, index) => index / 10) },
}

/** A client whose runtime has a fault, of a model that nobody has measured, and where its requests went. */
async function clientWithFault(fault: string) {
  const { modelsUrl, model } = await serveModel('tiny-mlp')
  const remote = endpoint()
  const edge = testClient({
    models: modelsUrl,
    workerUrl: await workerWithFault(fault),
    backends: ['wasm'],
    remote,
    policy: deviceFirst,
  })
  const reference = (await testClient({ device: false, remote }).run(model, rows)).output['y']
  const run = async () => {
    const { placement, attempts, output } = await edge.run(model, rows)
    expect(largestDifference(output['y'], reference)).toBeLessThan(1e-4)
    return { engine: placement.engine, codes: attempts.map(({ code }) => code), details: attempts[0]?.details }
  }
  return { edge, model, run }
}

test.each([
  [
    'nothing but NaN',
    `async ({ run, before }) => { const y = await run(); if (before > 0) y.y.data.fill(NaN); return y }`,
  ],
  ['one NaN', `async ({ run, before }) => { const y = await run(); if (before > 0) y.y.data[7] = NaN; return y }`],
  [
    'nothing but zeros',
    `async ({ run, before }) => { const y = await run(); if (before > 0) y.y.data.fill(0); return y }`,
  ],
])('a driver that begins to give %s is found by the canary, and never asked again', async (_what, fault) => {
  const { run } = await clientWithFault(fault)
  expect(await run()).toMatchObject({ engine: 'remote', codes: ['CANARY_FAILED'] })
  expect(await run()).toMatchObject({ engine: 'remote', codes: [] })
})

test('a driver that computes wrongly from the start never answers', async () => {
  const { run } = await clientWithFault(`async ({ run }) => { const y = await run(); y.y.data[0] += 1; return y }`)
  expect(await run()).toMatchObject({ engine: 'remote', codes: ['CANARY_FAILED'] })
})

test('a model that means its zeros gives them: its canary is right all the same', async () => {
  const { edge, model } = await clientWithFault(`async ({ run, feeds }) => {
    const y = await run()
    if (feeds.x.dims[0] === 7) y.y.data.fill(0)
    return y
  }`)
  const x: Tensor = { dtype: 'float32', shape: [7, 4], data: new Float32Array(28) }
  const { placement, attempts, output } = await edge.run(model, { x })
  expect([placement.engine, attempts]).toEqual(['device', []])
  expect(Array.from(output['y']?.data as Float32Array)).toEqual(new Array(21).fill(0))
})

test.each([
  ['another dtype', `new Tensor('int32', new Int32Array(15), [5, 3])`, 'must be float32, and is int32'],
  ['another shape', `new Tensor('float32', new Float32Array(15), [15])`, 'must have the shape'],
  ['another batch', `new Tensor('float32', new Float32Array(12), [4, 3])`, 'must have the length 5 in "batch"'],
])('outputs of %s go to nobody', async (_what, tensor, message) => {
  const fault = `({ run, before, Tensor }) => (before === 0 ? run() : Promise.resolve({ y: ${tensor} }))`
  const { edge, model } = await clientWithFault(fault)
  const { placement, attempts } = await edge.run(model, rows)
  expect(placement.engine).toBe('remote')
  expect(attempts).toMatchObject([{ code: 'OUTPUT_INVALID', message: expect.stringContaining(message) as string }])
})

test.each([
  ['a bare number', '1991937888', { code: 'RUN_FAILED', details: { thrown: 1_991_937_888, untrusted: true } }],
  [
    'a bad allocation',
    `new Error('ERROR_MESSAGE: std::bad_alloc')`,
    { code: 'OUT_OF_MEMORY', details: { untrusted: true } },
  ],
  [
    'a buffer for which there is no room',
    `new RangeError('Array buffer allocation failed')`,
    { code: 'OUT_OF_MEMORY' },
  ],
  ['a trap', `new WebAssembly.RuntimeError('unreachable')`, { code: 'RUN_FAILED', details: { untrusted: true } }],
  ['nothing', 'undefined', { code: 'RUN_FAILED', details: {} }],
])('when a run throws %s, another engine answers, and the attempt has a code', async (_what, thrown, attempt) => {
  const fault = `({ run, before }) => (before === 0 ? run() : Promise.reject(${thrown}))`
  const { edge, model } = await clientWithFault(fault)
  const { placement, attempts } = await edge.run(model, rows)
  expect(placement.engine).toBe('remote')
  expect(attempts).toMatchObject([attempt])
})

test('after a bare number, a fresh worker answers on the device', async () => {
  const fault = `({ run, feeds }) => (feeds.x.dims[0] === 5 ? Promise.reject(1991937888) : run())`
  const { edge, model } = await clientWithFault(fault)
  expect((await edge.run(model, rows)).attempts).toMatchObject([{ details: { untrusted: true } }])
  const { placement, attempts } = await edge.run(model, tinyInput())
  expect([placement.engine, attempts]).toEqual(['device', []])
})

/** Sending the memory to a thread fails, as in Safari. */
const uncloneable = `
  const channel = new BroadcastChannel('threads')
  Worker.prototype.postMessage = () => {
    channel.postMessage('refused')
    throw new DOMException('The object can not be cloned.', 'DataCloneError')
  }`

const unmakeable = `
  const channel = new BroadcastChannel('threads')
  self.Worker = class {
    constructor() {
      channel.postMessage('refused')
      throw new DOMException('No workers here.', 'SecurityError')
    }
  }`

test.each([
  ['cannot be sent its memory', uncloneable],
  ['cannot be made', unmakeable],
])('where a thread %s, the runtime starts without threads in the same load', async (_what, prelude) => {
  const refused: unknown[] = []
  const channel = new BroadcastChannel('threads')
  channel.onmessage = ({ data }) => refused.push(data)
  const edge = testClient({ workerUrl: workerWithPrelude(prelude), backends: ['wasm'], threads: 2 })
  const { placement, attempts } = await edge.run('tiny-mlp', tinyInput())
  expect([placement, attempts]).toEqual([{ engine: 'device', backend: 'wasm', variant: 'fp32' }, []])
  await expect.poll(() => refused).not.toEqual([])
  channel.close()
})

test('a start that hangs ends, also in a fresh worker, and says where it hung', async () => {
  // A thread that never says that it has started; and the bound comes sooner than in 30 s.
  const prelude = `
    Worker.prototype.postMessage = () => undefined
    const original = setTimeout
    self.setTimeout = (work, ms, ...given) => original(work, ms === 30_000 ? 500 : ms, ...given)`
  const edge = testClient({ workerUrl: workerWithPrelude(prelude), backends: ['wasm'], threads: 2 })
  const failure = await edge.run('tiny-mlp', tinyInput()).catch((error: unknown) => error)
  const hung = { code: 'RUNTIME_FAILED', details: { steps: ['session'], untrusted: true } }
  expect(isEdgewardError(failure) && failure.details['attempts']).toMatchObject([hung, hung])
})

test("a task that throws fails its request alone: the others' sessions go on", async () => {
  const prelude = `
    const original = String.prototype.normalize
    String.prototype.normalize = function (form) {
      if (this.includes('poison')) throw new TypeError('this text is poison')
      return original.call(this, form)
    }`
  const edge = testClient({ workerUrl: workerWithPrelude(prelude), backends: ['wasm'] })
  const embed = edge.pipeline('feature-extraction', 'all-minilm-l6-v2')
  await embed('A text.')
  const [poisoned, healthy] = await Promise.allSettled([embed('poison'), embed('water')])
  expect(poisoned).toMatchObject({
    reason: {
      code: 'INTERNAL',
      details: { attempts: [{ code: 'INTERNAL', details: { task: 'feature-extraction', phase: 'pre-processing' } }] },
    },
  })
  expect(healthy).toMatchObject({ value: { attempts: [], placement: { engine: 'device' } } })
})

test("a model of which no session can be made leaves the others' sessions as they are", async () => {
  const served = await serveModel('tiny-mlp')
  const broken = await serveGraph(btoa('This is no graph.'), 4096)
  await broken.publish({ inputs: [], outputs: [] })
  const edge = testClient({ models: [served.modelsUrl, broken.modelsUrl], backends: ['wasm'] })
  const loads: string[] = []
  edge.on('ready', ({ model }) => loads.push(model))
  await edge.run(served.model, tinyInput())
  await expect(edge.run(broken.id, {})).rejects.toMatchObject({ code: 'SESSION_FAILED' })
  const { placement, attempts } = await edge.run(served.model, tinyInput())
  expect([placement.engine, attempts, loads]).toEqual(['device', [], [served.model]])
})

test('a worker tells how it is', async () => {
  const worker = new Worker(new URL('../../packages/sdk/dist/worker.js', import.meta.url), { type: 'module' })
  const connection = await connect(worker, neverAborted())
  const options = { signal: neverAborted() }
  const vitals = () => connection.call('vitals', undefined, options)
  expect(await vitals()).toEqual({ heapBytes: 0, runs: 0, gpuLosses: 0 })
  const where = {
    modelsUrls: [new URL('/models/', location.href).href],
    model: 'tiny-mlp',
    from: 'cache-first',
  } as const
  const source = await connection.call('locate', where, options)
  await connection.call('register', source, options)
  const place = { model: modelKey(source.manifest), backend: 'wasm', variant: 'fp32' } as const
  for await (const event of await connection.call('prepare', { ...place, threads: 1 }, options)) {
    expect(['progress', 'ready', 'published']).toContain(event.type)
  }
  // The canary was one.
  expect(await vitals()).toMatchObject({ runs: 1 })
  await connection.call('run', { ...place, lane: 'default', task: 'tensors', input: tinyInput(), options: {} }, options)
  const { heapBytes, runs } = await vitals()
  expect(runs).toBe(2)
  expect(heapBytes).toBeGreaterThan(1_000_000)
  await connection.call('shutdown', undefined, options)
  worker.terminate()
})
