import { expect, test } from 'vitest'
import { createClient, EdgewardError, type DownloadProgress } from 'edgeward'
import { cosine, deviceFirst, endpoint, largestDifference, testClient, tinyInput } from './support/clients.js'

const sentences = ['A man is playing a guitar on stage.', 'The stock market fell sharply on Monday.', '']

test('runs a graph on the device, and tells where and how long', async () => {
  const { output, placement, attempts, timings } = await testClient().run('tiny-mlp', tinyInput())
  expect(output['y']).toMatchObject({ dtype: 'float32', shape: [2, 3] })
  expect(placement).toEqual({ engine: 'device', backend: 'wasm', variant: 'fp32' })
  expect(attempts).toEqual([])
  expect(timings.totalMs).toBeGreaterThanOrEqual((timings.loadMs ?? NaN) + (timings.inferenceMs ?? NaN))
})

test("finds its worker through the bundler, here Vite's", async () => {
  const edge = createClient()
  expect((await edge.run('tiny-mlp', tinyInput())).placement).toMatchObject({ engine: 'device' })
  await edge.dispose()
})

test('the device and the endpoint give the same tensors', async () => {
  const edge = testClient({ remote: endpoint() })
  const onDevice = await edge.run('tiny-mlp', tinyInput())
  const remote = await edge.run('tiny-mlp', tinyInput(), { policy: { prefer: 'remote' } })
  expect(remote.placement).toMatchObject({ engine: 'remote' })
  expect(largestDifference(onDevice.output['y'], remote.output['y'])).toBeLessThan(1e-4)
})

test('the device and the endpoint give the same embeddings, the endpoint from text too', async () => {
  const edge = testClient({ remote: endpoint() })
  const embed = edge.pipeline('feature-extraction', 'all-minilm-l6-v2')
  await edge.prepare('all-minilm-l6-v2')
  const onDevice = await embed(sentences)
  const remote = await embed(sentences, { policy: { prefer: 'remote' } })
  expect(onDevice.placement).toEqual({ engine: 'device', backend: 'wasm', variant: 'q8' })
  expect(remote.placement).toMatchObject({ engine: 'remote' })
  expect(onDevice.output).toHaveLength(sentences.length)
  onDevice.output.forEach((vector, index) => {
    expect(vector).toHaveLength(384)
    expect(cosine(vector, remote.output[index] ?? new Float32Array())).toBeGreaterThan(0.999)
  })
  expect(cosine(onDevice.output[0] ?? new Float32Array(), onDevice.output[1] ?? new Float32Array())).toBeLessThan(0.3)
})

test("a model's graph can be run as bare tensors, whatever its task", async () => {
  const ids = { dtype: 'int64', shape: [1, 3], data: BigInt64Array.of(101n, 7592n, 102n) } as const
  const ones = { dtype: 'int64', shape: [1, 3], data: BigInt64Array.of(1n, 1n, 1n) } as const
  const zeros = { dtype: 'int64', shape: [1, 3], data: new BigInt64Array(3) } as const
  const inputs = { input_ids: ids, attention_mask: ones, token_type_ids: zeros }
  const { output } = await testClient().run('all-minilm-l6-v2', inputs)
  expect(Object.values(output)[0]?.shape).toEqual([1, 3, 384])
})

test("leaves the caller's arrays alone", async () => {
  const input = tinyInput()
  const edge = testClient()
  const first = await edge.run('tiny-mlp', input)
  const again = await edge.run('tiny-mlp', input)
  expect(input.x.data).toHaveLength(8)
  expect(again.output).toEqual(first.output)
})

test('answers many requests at once, each with its own output', async () => {
  const edge = testClient()
  const rows = Array.from({ length: 20 }, (_, row) => Float32Array.from({ length: 4 }, (_unused, i) => row + i / 4))
  const run = (data: Float32Array) => edge.run('tiny-mlp', { x: { dtype: 'float32', shape: [1, 4], data } })
  const together = await Promise.all(rows.map(run))
  for (const [index, data] of rows.entries()) {
    const alone = await run(data)
    expect(together[index]?.output).toEqual(alone.output)
  }
})

test('prepare reports progress up to the last byte, and the next request loads nothing', async () => {
  const edge = testClient()
  const seen: DownloadProgress[] = []
  const placement = await edge.prepare('tiny-mlp', { onProgress: (progress) => seen.push(progress) })
  expect(placement).toEqual({ engine: 'device', backend: 'wasm', variant: 'fp32' })
  expect(seen.at(-1)?.totalBytes).toBeGreaterThan(0)
  expect(seen.at(-1)?.loadedBytes).toBe(seen.at(-1)?.totalBytes)
  expect(seen[0]).toEqual({ model: 'tiny-mlp', phase: 'manifest', loadedBytes: 0, totalBytes: 0, cachedBytes: 0 })
  expect(seen.slice(-2).map(({ phase }) => phase)).toEqual(['session', 'canary'])
  expect((await edge.run('tiny-mlp', tinyInput())).timings.loadMs).toBeUndefined()
})

test('explains every placement, and why others are out', async () => {
  const edge = testClient({ remote: endpoint() })
  const { placements, ruledOut } = await edge.explain('all-minilm-l6-v2', 'A cat sleeps.', {
    policy: { residency: 'local-only' },
  })
  expect(placements.map(({ placement }) => placement)).toEqual([{ engine: 'device', backend: 'wasm', variant: 'q8' }])
  expect(ruledOut.map(({ placement, reason }) => [placement.engine, reason])).toEqual([
    ['device', 'there is no WebGPU adapter'],
    ['remote', expect.stringContaining('local-only')],
  ])
})

test('a wrong input is refused with what would be right, and goes nowhere', async () => {
  const edge = testClient({ remote: endpoint(), policy: deviceFirst })
  const fallbacks: unknown[] = []
  edge.on('fallback', (event) => fallbacks.push(event))
  const x = { dtype: 'float32', shape: [1, 5], data: new Float32Array(5) } as const
  await expect(edge.run('tiny-mlp', { x })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  // Where the endpoint is asked first, it is the endpoint that looks at bare tensors first.
  const elsewhere = testClient({ remote: endpoint() })
  await expect(elsewhere.run('tiny-mlp', { x })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  const embed = edge.pipeline('feature-extraction', 'tiny-mlp')
  await expect(embed('text')).rejects.toMatchObject({ code: 'UNSUPPORTED_TASK' })
  expect(fallbacks).toEqual([])
})

test('a model that is nowhere is called so by its name', async () => {
  const failure = await testClient()
    .run('no-such-model', tinyInput())
    .catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(EdgewardError)
  expect(failure).toMatchObject({
    code: 'MANIFEST_NOT_FOUND',
    message: expect.stringContaining('no-such-model') as string,
  })
})
