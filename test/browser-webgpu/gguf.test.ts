/** A GGUF on the GPU: in blocks of four bits, its text is the CPU's; a stream whose GPU is lost says so, and the next one is right. */
import { expect, test } from 'vitest'
import { generate, prepare, serveGguf, signal, startWorker, textOf } from '../browser/support/language-models.js'
import { workerWithPrelude } from '../browser/support/worker-prelude.js'

const onGpu = { backend: 'webgpu', variant: 'q4' } as const

/** Destroys the worker's last device when the channel says so. */
const losable = (name: string) => `
  const devices = []
  const original = GPUAdapter.prototype.requestDevice
  GPUAdapter.prototype.requestDevice = async function (descriptor) {
    const device = await original.call(this, descriptor)
    devices.push(device)
    return device
  }
  const channel = new BroadcastChannel(${JSON.stringify(name)})
  channel.onmessage = () => {
    devices.at(-1).destroy()
    channel.postMessage('done')
  }`

async function lose(name: string): Promise<void> {
  const channel = new BroadcastChannel(name)
  const done = new Promise((resolve) => (channel.onmessage = resolve))
  channel.postMessage('now')
  await done
  channel.close()
}

test('it writes what it writes on the CPU, and leaves nothing', async () => {
  const { url } = await serveGguf()
  const connection = await startWorker()
  const ready = await prepare(connection, url, 'cache-first', onGpu)
  expect(await textOf(await generate(connection, ready, { prompt: 's' }))).toBe('tuvwxyz')
  expect(await textOf(await generate(connection, ready, { prompt: 'st' }))).toBe('uvwxyz')
  const left = await connection.call('shutdown', undefined, { signal })
  expect(left).toEqual({ sessions: 0, gpuDevices: 0, databases: 0 })
}, 120_000)

test('a GPU that is lost in the middle of a stream ends it with GPU_LOST; made ready again, it writes rightly', async () => {
  const { url } = await serveGguf()
  const name = crypto.randomUUID()
  const connection = await startWorker(workerWithPrelude(losable(name)))
  const ready = await prepare(connection, url, 'cache-first', onGpu)
  const reader = (await generate(connection, ready, { prompt: 'a' })).getReader()
  await reader.read()
  await reader.read()
  await lose(name)
  const rest = async () => {
    while (!(await reader.read()).done);
  }
  await expect(rest()).rejects.toMatchObject({ code: 'GPU_LOST' })
  await expect(generate(connection, ready, { prompt: 'a' })).rejects.toMatchObject({ code: 'GPU_LOST' })
  await prepare(connection, url, 'cache-first', onGpu)
  expect(await textOf(await generate(connection, ready, { prompt: 'w' }))).toBe('xyz')
  const left = await connection.call('shutdown', undefined, { signal })
  expect(left).toEqual({ sessions: 0, gpuDevices: 0, databases: 0 })
}, 180_000)
