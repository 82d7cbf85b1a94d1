/** ONNX Runtime's own files: from another origin, of the wrong type, tampered with, missing, not needed. */
import { expect, test } from 'vitest'
import { endpoint, testClient, tinyInput } from './support/clients.js'
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
  const { placement, attempts } = await testClient({ workerUrl, remote: endpoint() }).run('tiny-mlp', tinyInput())
  expect(attempts).toMatchObject([
    { code: 'RUNTIME_FAILED', message: expect.stringContaining("Serve Edgeward's dist/ folder as it is") as string },
  ])
  expect(placement).toMatchObject({ engine: 'remote' })
})

test('nothing of the runtime is fetched for an endpoint, a plan or a download', async () => {
  const { workerUrl, binary } = await serveRuntime()
  const remote = testClient({ workerUrl, device: false, remote: endpoint() })
  expect((await remote.run('tiny-mlp', tinyInput())).placement).toMatchObject({ engine: 'remote' })
  const device = testClient({ workerUrl })
  await device.explain('tiny-mlp')
  await device.models.download('tiny-mlp')
  expect(await binary.requests()).toEqual([])
})
