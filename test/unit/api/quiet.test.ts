/** What a client does not do: work for nothing, ask who is not to be asked, and tell what has not happened. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Knowledge, type MeasurementKeeper } from '../../../packages/sdk/src/api/knowledge.js'
import type { Engine, Policy } from '../../../packages/sdk/src/index.js'
import type { GenerationEvent } from '../../../packages/sdk/src/contract/index.js'
import type { LocateModel } from '../../../packages/sdk/src/api/model-directory.js'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { cpuOnly, endpoint, everywhere } from '../router/inputs.js'
import { measureDevice, createFakeClient, engineOf, findsEverything, remote, wasm, x, y } from './fake-client.js'

function measuring() {
  const benchmark = vi.fn<MeasurementKeeper['benchmark']>(() => Promise.resolve({ wasmFlops: 1e9, at: 0 }))
  const recall = () => Promise.resolve({ records: [] })
  return { benchmark, knowledge: new Knowledge({ benchmark, recall, remember: () => Promise.resolve() }, 1) }
}

describe('the device is measured', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    vi.stubGlobal('document', Object.assign(new EventTarget(), { readyState: 'complete', visibilityState: 'visible' }))
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  it('a while after an answer', async () => {
    const { benchmark, knowledge } = measuring()
    await createFakeClient({ knowledge }).client.run('model', x)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(benchmark).toHaveBeenCalledOnce()
  })

  it('not while a text is written', async () => {
    const { benchmark, knowledge } = measuring()
    const events: GenerationEvent[] = [
      { type: 'start', format: {} },
      { type: 'delta', text: 'a' },
    ]
    const stream: Engine['stream'] = () =>
      new ReadableStream({
        pull(controller) {
          const event = events.shift()
          if (event) controller.enqueue(event)
        },
      })
    const locate: LocateModel = async (asked) => {
      const { manifest, ...found } = await findsEverything(asked)
      return { ...found, manifest: asked.model === 'model' ? manifest : { ...manifest, task: 'text-generation' } }
    }
    const { client } = createFakeClient({ knowledge, locate, engines: { device: engineOf('device', { stream }) } })
    await client.run('model', x)
    const parts = client.generate('writer', { prompt: 'Once' })[Symbol.asyncIterator]()
    expect((await parts.next()).value).toMatchObject({ type: 'placement' })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(benchmark).not.toHaveBeenCalled()
    await parts.return()
    await client.run('model', x)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(benchmark).toHaveBeenCalledOnce()
  })

  it('never by a client that has no use for it', async () => {
    const { benchmark, knowledge } = measuring()
    const engines = { remote: engineOf('remote') }
    await createFakeClient({ knowledge, engines, options: { device: false } }).client.run('model', x)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(benchmark).not.toHaveBeenCalled()
  })

  it('not while power is low', async () => {
    const { benchmark, knowledge } = measuring()
    await createFakeClient({ knowledge, options: { policy: { power: 'low' } } }).client.run('model', x)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(benchmark).not.toHaveBeenCalled()
  })
})

it('explain of a model that is not there says so, whatever it was asked about', async () => {
  const locate = () => Promise.reject(new EdgewardError('MANIFEST_NOT_FOUND', 'status 404'))
  const { ruledOut } = await createFakeClient({ locate }).client.explain('mistyped', 'a text')
  expect(ruledOut).toContainEqual(expect.objectContaining({ code: 'MANIFEST_NOT_FOUND' }))
})

it('an endpoint that has failed rests on when a model is prepared, which asks it nothing', async () => {
  const { knowledge } = measuring()
  knowledge.breakers.failed(endpoint, { code: 'REMOTE_UNREACHABLE', retryAfterMs: 60_000 })
  const engines = { remote: engineOf('remote') }
  const { client } = createFakeClient({ knowledge, engines, options: { device: false } })
  expect(await client.prepare('model')).toEqual(remote)
  expect(knowledge.breakers.of(endpoint)).toMatchObject({ code: 'REMOTE_UNREACHABLE' })
})

it('a late device is not helped by an endpoint that rests', async () => {
  const { knowledge } = measuring()
  await measureDevice(knowledge)
  knowledge.breakers.failed(endpoint, { code: 'REMOTE_UNREACHABLE', retryAfterMs: 60_000 })
  const run: Engine['run'] = async () => {
    await new Promise((resolve) => setTimeout(resolve, 60)) // Later than it ever was, and than hedges wait.
    return { output: y, timings: { inferenceMs: 1 } }
  }
  const asked = vi.fn((..._asked: unknown[]) => Promise.resolve({ output: y, timings: {} } as never))
  const engines = { device: engineOf('device', { run }), remote: engineOf('remote', { run: asked }) }
  const { client } = createFakeClient({ knowledge, engines, options: { hedgeShare: 1 } })
  expect((await client.run('model', x)).placement).toEqual(wasm)
  expect(asked).not.toHaveBeenCalled()
})

it('a late endpoint is not helped by a device that rests, nor is that asked a second time', async () => {
  const { knowledge } = measuring()
  const asked = vi.fn((..._asked: unknown[]) => Promise.resolve({ output: y, timings: { inferenceMs: 1 } } as never))
  const place = { model: 'model', manifest: everywhere, placement: wasm, capabilities: cpuOnly }
  let lateMs = 0
  const run: Engine['run'] = async () => {
    await new Promise((resolve) => setTimeout(resolve, lateMs))
    return { output: y, timings: { inferenceMs: 1 } }
  }
  const engines = { device: engineOf('device', { run: asked }), remote: engineOf('remote', { run }) }
  const options = { hedgeShare: 1, policy: { prefer: 'remote' } } as const
  const { client } = createFakeClient({ knowledge, engines, options })
  for (let runs = 0; runs < 30; runs += 1) await client.run('model', x)
  await client.explain('model')
  lateMs = 100
  asked.mockClear()
  await client.run('model', x)
  expect(asked).toHaveBeenCalledOnce()
  knowledge.setbacks.failed(knowledge.places.onDevice(place), 'OUT_OF_MEMORY', 'no room', 0)
  await client.run('model', x)
  const comparing = createFakeClient({ knowledge, engines, options: { ...options, hedgeShare: 0, shadowShare: 1 } })
  await comparing.client.run('model', x)
  expect(asked).toHaveBeenCalledOnce()
})

it('a request that may take its time tells of no move, which the others do not make', async () => {
  const policy: Policy = { prefer: 'remote' }
  const { client } = createFakeClient({ options: { policy } })
  const moved = vi.fn()
  client.on('placement', moved)
  const placements = []
  for (const lane of ['default', 'background', 'default'] as const)
    placements.push((await client.run('model', x, { lane })).placement)
  expect(placements).toEqual([remote, wasm, remote])
  expect(moved).not.toHaveBeenCalled()
})
