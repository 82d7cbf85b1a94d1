import { expect, test } from 'vitest'
import { connect, modelKey } from '../../packages/sdk/src/transport/index.js'
import { neverAborted } from '../../packages/sdk/src/shared/index.js'
import { workerWithPrelude } from '../browser/support/worker-prelude.js'
import { endpoint, largestDifference, testClient, tinyInput } from '../browser/support/clients.js'

/** Far less than what the models' canaries allow. */
const tolerance = 1e-4

/** A browser without JSPI. The worker tells the channel `fetched` what it fetches. */
const withoutJspi = `
  delete WebAssembly.Suspending
  const channel = new BroadcastChannel('fetched')
  const original = fetch
  self.fetch = (resource, init) => {
    channel.postMessage(String(resource.url ?? resource))
    return original(resource, init)
  }`

test('a software adapter is found, named as such, and avoided unless the caller insists', async () => {
  const edge = testClient()
  expect((await edge.capabilities()).webgpu).toMatchObject({ isFallbackAdapter: true, architecture: 'swiftshader' })
  expect((await edge.run('tiny-mlp', tinyInput())).placement).toMatchObject({ backend: 'wasm' })
})

test('WebGPU, WASM and the endpoint give the same tensors', async () => {
  const gpu = await testClient({ backends: ['webgpu'] }).run('tiny-mlp', tinyInput())
  const wasm = await testClient({ backends: ['wasm'] }).run('tiny-mlp', tinyInput())
  const remote = await testClient({ device: false, remote: endpoint() }).run('tiny-mlp', tinyInput())
  expect(gpu.placement).toEqual({ engine: 'device', backend: 'webgpu', variant: 'fp32' })
  expect(wasm.placement).toEqual({ engine: 'device', backend: 'wasm', variant: 'fp32' })
  expect(remote.placement).toMatchObject({ engine: 'remote' })
  expect(largestDifference(gpu.output['y'], wasm.output['y'])).toBeLessThan(tolerance)
  expect(largestDifference(gpu.output['y'], remote.output['y'])).toBeLessThan(tolerance)
})

test('WebGPU and WASM sessions of one model live side by side', async () => {
  const edge = testClient({ backends: ['webgpu', 'wasm'] })
  await edge.run('tiny-mlp', tinyInput())
  const { placements } = await edge.explain('tiny-mlp')
  expect(placements.map(({ placement }) => 'backend' in placement && placement.backend)).toEqual(['webgpu', 'wasm'])
})

test('without JSPI, WebGPU runs on the asyncify build', async () => {
  const fetched: string[] = []
  const channel = new BroadcastChannel('fetched')
  channel.onmessage = ({ data }: MessageEvent<string>) => fetched.push(data)
  const edge = testClient({ backends: ['webgpu'], workerUrl: workerWithPrelude(withoutJspi) })
  const { output, placement } = await edge.run('tiny-mlp', tinyInput())
  expect(placement).toMatchObject({ backend: 'webgpu' })
  expect(output['y']?.shape).toEqual([2, 3])
  await expect.poll(() => fetched.filter((url) => url.endsWith('.wasm'))).toHaveLength(1)
  expect(fetched.find((url) => url.endsWith('.wasm'))).toContain('asyncify')
  channel.close()
})

test('dispose destroys the GPU device and its sessions', async () => {
  const worker = new Worker(new URL('../../packages/sdk/dist/worker.js', import.meta.url), { type: 'module' })
  const connection = await connect(worker, neverAborted())
  const options = { signal: neverAborted() }
  const source = await connection.call(
    'locate',
    { modelsUrls: [new URL('/models/', location.href).href], model: 'tiny-mlp', from: 'cache-first' },
    options,
  )
  await connection.call('register', source, options)
  const place = { model: modelKey(source.manifest), backend: 'webgpu', variant: 'fp32', threads: 1 } as const
  const stream = await connection.call('prepare', place, options)
  for await (const event of stream) expect(['progress', 'ready']).toContain(event.type)
  const left = await connection.call('shutdown', undefined, options)
  expect(left).toEqual({ sessions: 0, gpuDevices: 0, databases: 0 })
  worker.terminate()
})
