/** `local-only`, counted at the network: whatever happens on the device, nothing reaches the endpoint. */
import { beforeEach, expect, test, vi } from 'vitest'
import type { Client, ClientOptions, Manifest } from 'edgeward'
import { testClient, tinyInput } from './support/clients.js'
import { serveModel } from './support/models.js'
import { watchedEndpoint, type WatchedEndpoint } from './support/watched-endpoint-client.js'
import { capturedWorkers } from './support/workers.js'

const miniLm = 'all-minilm-l6-v2'
const localOnly = { residency: 'local-only' } as const
const many = Array.from({ length: 64 }, (_, index) => `Sentence number ${index} is about nothing much.`)

let watched: WatchedEndpoint
beforeEach(() => {
  watched = watchedEndpoint()
  // A busy machine would keep shadow runs from happening anyway.
  vi.stubGlobal('PressureObserver', undefined)
  return () => void vi.unstubAllGlobals()
})

/** Everything that could send data a second time is on. */
function eager(options: ClientOptions = {}): Client {
  return testClient({ remote: watched.remote, shadowShare: 1, hedgeShare: 1, policy: localOnly, ...options })
}

/** The whole model, with a graph that no cache has seen. */
const served = () => serveModel('tiny-mlp')

async function breakCanary(modelsUrl: string, model: string): Promise<void> {
  const url = `${modelsUrl}${model}/manifest.json`
  const manifest = (await (await fetch(url)).json()) as Manifest
  await fetch(url, { method: 'PUT', body: JSON.stringify(manifest).replace('-4.163226', '99') })
}

/** Ways in which a request ends, each with what it ends with. */
const runs: Record<string, () => Promise<void>> = {
  async 'requests that are answered, late ones too'() {
    const edge = eager()
    for (let round = 0; round < 12; round += 1) await edge.run('tiny-mlp', tinyInput())
    const embed = edge.pipeline('feature-extraction', miniLm)
    for (let round = 0; round < 6; round += 1) await embed('A sentence.')
    // By what was measured this one is late; it would be hedged.
    await Promise.all([embed(many), embed('A sentence.'), edge.run('tiny-mlp', tinyInput())])
  },
  async 'a request of a client that may send others'() {
    const edge = eager({ policy: {} })
    const options = { policy: localOnly }
    expect((await edge.run('tiny-mlp', tinyInput(), options)).placement).toMatchObject({ engine: 'device' })
    await edge.prepare('tiny-mlp', options)
  },
  async 'weights that fail their digest'() {
    const { modelsUrl, model, graph } = await served()
    await graph.misbehave({ kind: 'flip-byte', at: 100 })
    await expect(eager({ models: modelsUrl }).run(model, tinyInput())).rejects.toMatchObject({ code: 'INTEGRITY' })
  },
  async 'weights that are missing'() {
    const { modelsUrl, model, graph } = await served()
    await graph.misbehave({ kind: 'status', status: 404 })
    const failure = { code: 'DOWNLOAD_FAILED' }
    await expect(eager({ models: modelsUrl }).run(model, tinyInput())).rejects.toMatchObject(failure)
  },
  async 'a model that is nowhere'() {
    await expect(eager().run('no-such-model', tinyInput())).rejects.toMatchObject({ code: 'MANIFEST_NOT_FOUND' })
  },
  async 'a canary that computes wrongly'() {
    const { modelsUrl, model } = await served()
    await breakCanary(modelsUrl, model)
    const edge = eager({ models: modelsUrl })
    await expect(edge.run(model, tinyInput())).rejects.toMatchObject({ code: 'CANARY_FAILED' })
    // It is remembered.
    const again = { code: 'NO_PLACEMENT', message: expect.stringContaining('it failed before') as string }
    await expect(edge.run(model, tinyInput())).rejects.toMatchObject(again)
  },
  async 'a worker that is killed'() {
    const { workers, restore } = capturedWorkers()
    const edge = eager()
    await edge.prepare(miniLm)
    restore()
    const pending = edge.pipeline('feature-extraction', miniLm)(many)
    setTimeout(() => workers[0]?.terminate(), 50)
    // Once more, in a fresh worker, and nowhere else.
    expect(await pending).toMatchObject({ placement: { engine: 'device' }, attempts: [{ code: 'WORKER_DIED' }] })
  },
  async 'a worker that cannot start'() {
    const edge = eager({ workerUrl: '/no-such-worker.js' })
    await expect(edge.run('tiny-mlp', tinyInput())).rejects.toMatchObject({ code: 'WORKER_UNAVAILABLE' })
  },
  async 'a queue that is full'() {
    const edge = eager({ policy: { ...localOnly, maxQueued: 1 } })
    const embed = edge.pipeline('feature-extraction', miniLm)
    await embed('ready?')
    const ends = await Promise.allSettled([embed(many), embed('one'), embed('two'), embed('three')])
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected'])
    expect(ends[3]).toMatchObject({ reason: { code: 'QUEUE_FULL' } })
  },
  async 'a deadline that passes, and a caller who aborts'() {
    const edge = eager()
    const embed = edge.pipeline('feature-extraction', miniLm)
    await embed('ready?')
    const controller = new AbortController()
    const long = embed(many)
    const late = expect(embed('late', { policy: { deadlineMs: 30 } })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    })
    const aborted = expect(embed('aborted', { signal: controller.signal })).rejects.toMatchObject({
      name: 'AbortError',
    })
    setTimeout(() => controller.abort(), 30)
    await Promise.all([late, aborted, long])
  },
  async 'what is not a request'() {
    const edge = eager()
    expect(await edge.prepare('tiny-mlp')).toMatchObject({ engine: 'device' })
    const { placements, ruledOut } = await edge.explain('tiny-mlp', tinyInput())
    expect(placements.map(({ placement }) => placement.engine)).toEqual(['device'])
    expect(ruledOut.find(({ placement }) => placement.engine === 'remote')?.reason).toContain('local-only')
    await edge.doctor()
    await edge.capabilities()
  },
}

test.each(Object.keys(runs))('nothing reaches the endpoint under local-only: %s', async (name) => {
  await runs[name]?.()
  expect(await watched.requests()).toEqual([])
})

test('the same requests do reach it where policy lets them: the counter counts', async () => {
  const { modelsUrl, model, graph } = await served()
  await graph.misbehave({ kind: 'status', status: 404 })
  const edge = eager({ models: modelsUrl, policy: {} })
  expect((await edge.run(model, tinyInput())).placement).toMatchObject({ engine: 'remote' })
  expect(await watched.inferences()).toHaveLength(1)
  const before = (await watched.requests()).length
  await edge.doctor()
  expect((await watched.requests()).length).toBeGreaterThan(before)
  const shadowed = eager({ policy: {} })
  const shadow = new Promise((resolve) => shadowed.on('shadow', resolve))
  await shadowed.prepare('tiny-mlp')
  expect((await shadowed.run('tiny-mlp', tinyInput())).placement).toMatchObject({ engine: 'device' })
  await shadow
  expect(await watched.inferences()).toHaveLength(2)
})
