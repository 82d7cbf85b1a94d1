import { expect, test } from 'vitest'
import type { EdgewardError, Manifest } from 'edgeward'
import { createClient } from 'edgeward'
import { describeFile, randomBytes } from './support/file-server-client.js'
import type { Fault, LoggedRequest } from './support/faults.js'
import { serveModel } from './support/models.js'
import { deviceFirst, endpoint, testClient, tinyInput } from './support/clients.js'
import { workerWithPrelude } from './support/worker-prelude.js'
import { capturedWorkers } from './support/workers.js'

test('weights that fail their digest cost a fallback, not the request', async () => {
  const { modelsUrl, model, graph } = await serveModel('tiny-mlp')
  await graph.misbehave({ kind: 'flip-byte', at: 100 })
  const edge = testClient({ models: modelsUrl, remote: endpoint(), policy: deviceFirst })
  const { placement, attempts, output } = await edge.run(model, tinyInput())
  expect(placement).toMatchObject({ engine: 'remote' })
  expect(attempts.map(({ code }) => code)).toEqual(['INTEGRITY'])
  expect(output['y']?.shape).toEqual([2, 3])
})

test("without an endpoint the device's error comes back, with the reasons why nothing else could answer", async () => {
  const { modelsUrl, model, graph } = await serveModel('tiny-mlp')
  await graph.misbehave({ kind: 'status', status: 404 })
  const failure = await testClient({ models: modelsUrl })
    .run(model, tinyInput())
    .catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'DOWNLOAD_FAILED', message: expect.stringContaining('no endpoint') as string })
})

test('a worker that dies in the middle of a request costs a fallback, and the next request gets a fresh one', async () => {
  const { workers, restore } = capturedWorkers()
  const edge = testClient({ remote: endpoint() })
  try {
    await edge.prepare('all-minilm-l6-v2')
    const embed = edge.pipeline('feature-extraction', 'all-minilm-l6-v2')
    const pending = embed(Array.from({ length: 64 }, (_, index) => `Sentence number ${index} is about nothing much.`))
    await edge.capabilities()
    // Behind the request in the worker's mailbox, so that the worker dies with it.
    setTimeout(() => workers[0]?.terminate(), 50)
    const { placement, attempts, output } = await pending
    expect(attempts.map(({ code }) => code)).toEqual(['WORKER_DIED'])
    expect(placement).toMatchObject({ engine: 'remote' })
    expect(output).toHaveLength(64)
    await edge.prepare('all-minilm-l6-v2')
    expect((await embed('Again.')).placement).toMatchObject({ engine: 'device' })
    expect(workers).toHaveLength(2)
  } finally {
    restore()
  }
})

test('where the device is waited for, a worker that dies costs a second run in a fresh one, and nothing else', async () => {
  const { workers, restore } = capturedWorkers()
  const edge = testClient({ remote: endpoint(), policy: deviceFirst })
  try {
    const { output } = await edge.run('tiny-mlp', tinyInput())
    const pending = edge.run('tiny-mlp', tinyInput())
    workers[0]?.terminate()
    expect(await pending).toMatchObject({
      output,
      placement: { engine: 'device' },
      attempts: [{ code: 'WORKER_DIED' }],
    })
    expect(workers).toHaveLength(2)
  } finally {
    restore()
  }
})

test('a worker whose script is missing leaves the endpoint to answer', async () => {
  const edge = testClient({ workerUrl: '/no-such-worker.js', remote: endpoint() })
  const { placement } = await edge.run('tiny-mlp', tinyInput())
  expect(placement).toMatchObject({ engine: 'remote' })
  const alone = testClient({ workerUrl: '/no-such-worker.js' })
  await expect(alone.run('tiny-mlp', tinyInput())).rejects.toMatchObject({ code: 'WORKER_UNAVAILABLE' })
})

test('a runtime that could not start is started afresh by the next request', async () => {
  const failOnce = `
    for (const name of ['instantiateStreaming', 'instantiate']) {
      const original = WebAssembly[name]
      WebAssembly[name] = () => {
        WebAssembly[name] = original
        return Promise.reject(new WebAssembly.CompileError('out of executable memory'))
      }
    }`
  const edge = testClient({ workerUrl: workerWithPrelude(failOnce), remote: endpoint(), policy: deviceFirst })
  const first = await edge.run('tiny-mlp', tinyInput())
  expect(first.attempts.map(({ code }) => code)).toEqual(['RUNTIME_FAILED'])
  expect(first.placement).toMatchObject({ engine: 'remote' })
  expect((await edge.run('tiny-mlp', tinyInput())).placement).toMatchObject({ engine: 'device' })
})

test('an endpoint that is down leaves the device to answer', async () => {
  const edge = testClient({ remote: { protocol: 'oip', url: 'http://127.0.0.1:9' }, policy: { prefer: 'remote' } })
  const { placement, attempts } = await edge.run('tiny-mlp', tinyInput())
  expect(attempts.map(({ code }) => code)).toEqual(['REMOTE_UNREACHABLE'])
  expect(placement).toMatchObject({ engine: 'device' })
})

test('when every placement fails, one error tells what was tried', async () => {
  const { modelsUrl, model, graph } = await serveModel('tiny-mlp')
  await graph.misbehave({ kind: 'status', status: 500 })
  const edge = testClient({
    models: modelsUrl,
    remote: { protocol: 'oip', url: 'http://127.0.0.1:9' },
    policy: deviceFirst,
  })
  const failure = await edge.run(model, tinyInput()).catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'ALL_PLACEMENTS_FAILED' })
  const { attempts, advice } = (failure as EdgewardError).details as { attempts: { code: string }[]; advice: string[] }
  const retries = ['REMOTE_UNREACHABLE', 'REMOTE_UNREACHABLE']
  expect(attempts.map(({ code }) => code)).toEqual(['DOWNLOAD_FAILED', 'REMOTE_UNREACHABLE', ...retries])
  expect(advice).toHaveLength(2)
  expect((failure as EdgewardError).message).toContain(advice.join(' '))
})

test("a caller's abort ends a load with the caller's own reason, and never falls back", async () => {
  const { modelsUrl, model, graph } = await serveModel('tiny-mlp')
  await graph.misbehave({ kind: 'silence' })
  const edge = testClient({ models: modelsUrl, remote: endpoint(), policy: deviceFirst })
  const fallbacks: unknown[] = []
  edge.on('fallback', (event) => fallbacks.push(event))
  const controller = new AbortController()
  const pending = edge.run(model, tinyInput(), { signal: controller.signal })
  const ended = expect(pending).rejects.toSatisfy((reason) => reason === controller.signal.reason)
  await graph.arrival()
  controller.abort()
  await ended
  expect(controller.signal.reason).toMatchObject({ name: 'AbortError' })
  expect(fallbacks).toEqual([])
  // The same client goes on, and so does the load that was given up.
  await graph.misbehave()
  expect((await edge.run(model, tinyInput())).placement).toMatchObject({ engine: 'device' })
})

test("a caller's abort ends the requests for all files of the model, not the graph's only", async () => {
  const { modelsUrl, model } = await serveModel('tiny-mlp')
  const folder = `${modelsUrl}${model}/`
  const put = (url: string, body: BodyInit) => fetch(url, { method: 'PUT', body })
  const packed = (await (await fetch(`${folder}manifest.json`)).json()) as Manifest
  const vocabulary = await describeFile(randomBytes(9), packed.chunkBytes, 'vocabulary.bin')
  const silent: Fault[] = [{ kind: 'silence' }]
  await put(`${folder}manifest.json`, JSON.stringify({ ...packed, assets: { vocabulary } }))
  await put(`${folder}vocabulary.bin`.replace('/files/', '/faults/'), JSON.stringify(silent))
  const abandoned = async () => {
    const log = await fetch(`${folder}vocabulary.bin`.replace('/files/', '/log/'))
    return ((await log.json()) as LoggedRequest[]).map((request) => request.abandoned)
  }
  const controller = new AbortController()
  const pending = testClient({ models: modelsUrl }).run(model, tinyInput(), { signal: controller.signal })
  pending.catch(() => undefined) // It is awaited below.
  await expect.poll(abandoned).toEqual([false])
  controller.abort()
  await expect(pending).rejects.toBe(controller.signal.reason)
  await expect.poll(abandoned).toEqual([true])
})

test('one request that goes does not take the load from another', async () => {
  const edge = testClient()
  const controller = new AbortController()
  const goes = edge.run('tiny-mlp', tinyInput(), { signal: controller.signal })
  const stays = edge.run('tiny-mlp', tinyInput())
  controller.abort()
  await expect(goes).rejects.toMatchObject({ name: 'AbortError' })
  expect((await stays).placement).toMatchObject({ engine: 'device' })
})

test('the second visit fetches no weights', async () => {
  const { modelsUrl, model, graph } = await serveModel('tiny-mlp')
  const first = createClient({ models: modelsUrl })
  await first.run(model, tinyInput())
  await first.dispose()
  const requests = (await graph.requests()).length
  expect(requests).toBeGreaterThan(0)
  const progress: number[] = []
  const second = testClient({ models: modelsUrl })
  second.on('download', ({ cachedBytes, totalBytes }) => progress.push(totalBytes - cachedBytes))
  expect((await second.run(model, tinyInput())).placement).toMatchObject({ engine: 'device' })
  expect(await graph.requests()).toHaveLength(requests)
  expect(progress.at(-1)).toBe(0)
})

test('a local-only request sends nothing to the endpoint, not even when the device fails', async () => {
  const { modelsUrl, model, graph } = await serveModel('tiny-mlp')
  await graph.misbehave({ kind: 'status', status: 500 })
  const asked: string[] = []
  const headers = () => {
    asked.push('headers')
    return {}
  }
  const edge = testClient({
    models: modelsUrl,
    remote: { ...endpoint(), headers },
    policy: { residency: 'local-only' },
  })
  await expect(edge.run(model, tinyInput())).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
  expect(asked).toEqual([])
})
