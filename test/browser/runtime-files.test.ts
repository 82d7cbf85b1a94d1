/** ONNX Runtime's own files: from another origin, of the wrong type, tampered with, missing, not needed. */
import { expect, test } from 'vitest'
import { deviceFirst, endpoint, testClient, tinyInput } from './support/clients.js'
import { serveFile } from './support/file-server-client.js'
import { serveRuntime } from './support/served-runtime.js'

test.each([
  { what: 'with threads', threads: 2 },
  { what: 'on one thread', threads: 1 },
])('a runtime of another origin, served without the type of WebAssembly, starts $what', async ({ threads }) => {
  const { workerUrl } = await serveRuntime()
  const { placement, output } = await testClient({ workerUrl, threads }).run('tiny-mlp', tinyInput())
  expect(placement).toMatchObject({ engine: 'device', backend: 'wasm' })
  expect(output['y']?.shape).toEqual([2, 3])
})

test('a runtime that was tampered with is not run, and the error says so; once it is right again, it starts', async () => {
  const { workerUrl, binary } = await serveRuntime()
  await binary.misbehave({ kind: 'flip-byte', at: 1_000_000 })
  const edge = testClient({ workerUrl })
  await expect(edge.run('tiny-mlp', tinyInput())).rejects.toMatchObject({
    code: 'RUNTIME_FAILED',
    message: expect.stringContaining('is not the one that Edgeward was built with') as string,
  })
  await binary.misbehave()
  expect((await edge.run('tiny-mlp', tinyInput())).placement).toMatchObject({ engine: 'device' })
})

test.each([
  { what: 'is missing', fault: { kind: 'status', status: 404 } },
  { what: 'is a page', fault: { kind: 'html' } },
] as const)('a runtime whose file $what costs a fallback, with an error that says what to do', async ({ fault }) => {
  const { workerUrl, binary } = await serveRuntime()
  await binary.misbehave(fault)
  const { placement, attempts } = await testClient({ workerUrl, remote: endpoint(), policy: deviceFirst }).run(
    'tiny-mlp',
    tinyInput(),
  )
  expect(attempts).toMatchObject([
    { code: 'RUNTIME_FAILED', message: expect.stringContaining("Serve Edgeward's dist/ folder as it is") as string },
  ])
  expect(placement).toMatchObject({ engine: 'remote' })
})

test('where one backend is certain, the runtime is fetched while the manifest still travels', async () => {
  const { workerUrl, binary } = await serveRuntime()
  const path = 'slow-model/manifest.json'
  const manifest = await serveFile(new Uint8Array(1), 1, path)
  await manifest.misbehave({ kind: 'silence' })
  const edge = testClient({ workerUrl, models: manifest.url.slice(0, -path.length) })
  const controller = new AbortController()
  const pending = edge.run('slow-model', tinyInput(), { signal: controller.signal })
  await expect.poll(async () => (await binary.requests()).length, { timeout: 30_000 }).toBeGreaterThan(0)
  controller.abort()
  await expect(pending).rejects.toMatchObject({ name: 'AbortError' })
})

test('nothing of the runtime is fetched for an endpoint, a plan, a download, or offline before it is needed', async () => {
  const { workerUrl, binary } = await serveRuntime()
  const remote = endpoint()
  for (const options of [{ device: false }, { policy: { prefer: 'remote' } }] as const) {
    const { placement } = await testClient({ workerUrl, remote, ...options }).run('tiny-mlp', tinyInput())
    expect(placement).toMatchObject({ engine: 'remote' })
  }
  const device = testClient({ workerUrl })
  await device.explain('tiny-mlp')
  await device.models.download('tiny-mlp')
  const offline = testClient({ workerUrl, policy: { offline: true } }).run('not-there', tinyInput())
  await expect(offline).rejects.toMatchObject({ code: 'NOT_CACHED' })
  expect(await binary.requests()).toEqual([])
})
