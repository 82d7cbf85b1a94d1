/** A GPU that is lost costs no request and no truth: what overlapped the loss is thrown away, and what follows has a new device. */
import { afterEach, expect, test } from 'vitest'
import type { Tensor } from 'edgeward'
import { neverAborted } from '../../packages/sdk/src/shared/index.js'
import { connect, modelKey } from '../../packages/sdk/src/transport/index.js'
import { largestDifference, testClient, tinyInput } from '../browser/support/clients.js'
import { workerWithFault } from '../browser/support/faulty-runtime.js'
import { serveModel } from '../browser/support/models.js'
import { workerWithPrelude } from '../browser/support/worker-prelude.js'

const tolerance = 1e-4

/** Keeps the devices of the worker in `self.devices`, and destroys the last one when the channel `lose` says so. */
const losable = `
  self.devices = []
  const original = GPUAdapter.prototype.requestDevice
  GPUAdapter.prototype.requestDevice = async function (descriptor) {
    const device = await original.call(this, descriptor)
    self.devices.push(device)
    return device
  }
  const channel = new BroadcastChannel('lose')
  channel.onmessage = ({ data }) => {
    if (data === 'now') self.devices.at(-1).destroy()
    if (data === 'in the next submission') {
      const { queue } = self.devices.at(-1)
      queue.submit = (commands) => {
        GPUQueue.prototype.submit.call(queue, commands)
        self.devices.at(-1).destroy()
      }
    }
    channel.postMessage('done')
  }`

/** Does something to the worker's GPU, and waits until it is done. */
async function lose(when: 'now' | 'in the next submission'): Promise<void> {
  const channel = new BroadcastChannel('lose')
  const done = new Promise((resolve) => (channel.onmessage = resolve))
  channel.postMessage(when)
  await done
  channel.close()
}

/** The right answer, of a runtime that loses nothing. */
const reference = async () => (await testClient({ backends: ['wasm'] }).run('tiny-mlp', tinyInput())).output['y']

test.each(['now', 'in the next submission'] as const)(
  'a device that is lost %s gives no wrong answer: the request is replayed on a fresh one',
  async (when) => {
    const edge = testClient({ backends: ['webgpu', 'wasm'], workerUrl: workerWithPrelude(losable) })
    await edge.run('tiny-mlp', tinyInput())
    await lose(when)
    const right = await reference()
    const { output, placement, attempts } = await edge.run('tiny-mlp', tinyInput())
    expect(largestDifference(output['y'], right)).toBeLessThan(tolerance)
    expect(placement).toMatchObject({ backend: 'webgpu' })
    expect(attempts.map(({ code }) => code)).toEqual(['GPU_LOST'])
  },
)

test('a GPU that is lost again soon rests, and the next placement answers', async () => {
  const edge = testClient({ backends: ['webgpu', 'wasm'], workerUrl: workerWithPrelude(losable) })
  const right = await reference()
  const run = async () => {
    const { placement, output, attempts } = await edge.run('tiny-mlp', tinyInput())
    expect(largestDifference(output['y'], right)).toBeLessThan(tolerance)
    return { placement, codes: attempts.map(({ code }) => code) }
  }
  await run()
  await lose('now')
  expect(await run()).toMatchObject({ placement: { backend: 'webgpu' }, codes: ['GPU_LOST'] })
  await lose('now')
  expect((await run()).codes).toEqual(['GPU_LOST'])
  expect(await run()).toMatchObject({ placement: { backend: 'wasm' }, codes: [] })
  const { placements } = await edge.explain('tiny-mlp')
  const gpu = placements.find(({ placement }) => 'backend' in placement && placement.backend === 'webgpu')
  expect(gpu?.reason).toMatch(/rests for another \d+ s after GPU_LOST/)
})

const workers: Worker[] = []
afterEach(() => {
  for (const worker of workers.splice(0)) worker.terminate()
})

/** A worker with `tiny-mlp` ready on WebGPU, spoken to directly: no engine answers instead. */
async function gpuWorker(workerUrl: string) {
  const worker = new Worker(workerUrl, { type: 'module' })
  workers.push(worker)
  const connection = await connect(worker, neverAborted())
  const options = { signal: neverAborted() }
  const place = async (modelsUrl: string, model: string) => {
    const source = await connection.call('locate', { modelsUrls: [modelsUrl], model, from: 'cache-first' }, options)
    await connection.call('register', source, options)
    return { model: modelKey(source.manifest), backend: 'webgpu', variant: 'fp32' } as const
  }
  const prepare = async (where: Awaited<ReturnType<typeof place>>) => {
    for await (const { type } of await connection.call('prepare', { ...where, threads: 1 }, options)) {
      expect(['progress', 'ready', 'published']).toContain(type)
    }
  }
  const run = async (where: Awaited<ReturnType<typeof place>>, input = tinyInput()): Promise<Tensor | undefined> => {
    const payload = { ...where, lane: 'default', task: 'tensors', input, options: {} } as const
    const { output } = await connection.call('run', payload, options)
    return (output as { y?: Tensor }).y // The task `tensors` gives tensors by name.
  }
  const tiny = await place(new URL('/models/', location.href).href, 'tiny-mlp')
  await prepare(tiny)
  return { connection, place, prepare, run, tiny, vitals: () => connection.call('vitals', undefined, options) }
}

/** 5 rows: so many zeros are no answer of a few. */
const rows = () => ({ x: { dtype: 'float32', shape: [5, 4], data: new Float32Array(20).fill(1) } as const })

test('zeros that a run gives after a loss are thrown away, though the run says that it succeeded', async () => {
  // What a proposed change to ONNX Runtime would do (https://github.com/microsoft/onnxruntime/pull/27596).
  const fault = `async ({ run, before }) => {
    const outputs = await run()
    if (before === 0) return outputs
    self.devices.at(-1).destroy()
    outputs.y.data.fill(0)
    return outputs
  }`
  const { run, tiny, vitals } = await gpuWorker(await workerWithFault(fault, 'jspi', losable))
  await expect(run(tiny, rows())).rejects.toMatchObject({ code: 'GPU_LOST' })
  await expect.poll(async () => (await vitals()).gpuLosses).toBe(1)
})

test('nothing of a lost device is used: neither its sessions nor those that were being made', async () => {
  const { run, tiny, place, prepare, vitals } = await gpuWorker(workerWithPrelude(losable))
  const served = await serveModel('tiny-mlp')
  const other = await place(served.modelsUrl, served.model)
  await lose('in the next submission')
  // Its canary is the next submission.
  await expect(prepare(other)).rejects.toMatchObject({ code: 'GPU_LOST' })
  await expect(run(tiny)).rejects.toMatchObject({ code: 'GPU_LOST' })
  expect(await vitals()).toMatchObject({ gpuLosses: 1 })
  await prepare(other)
  await prepare(tiny)
  const right = await reference()
  for (const model of [tiny, other]) {
    expect(largestDifference(await run(model), right)).toBeLessThan(tolerance)
  }
})

test('a device that is lost while weights travel costs nothing: sessions are made on the next one', async () => {
  const { place, prepare, run } = await gpuWorker(workerWithPrelude(losable))
  const { modelsUrl, model, graph } = await serveModel('tiny-mlp')
  await graph.misbehave({ kind: 'drip', pieces: 4, everyMs: 200 })
  const other = await place(modelsUrl, model)
  const preparing = prepare(other)
  await graph.arrival()
  await lose('now')
  await preparing
  expect(largestDifference(await run(other), await reference())).toBeLessThan(tolerance)
})
