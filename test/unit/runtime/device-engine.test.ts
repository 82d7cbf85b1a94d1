/** The device engine: models are registered and prepared once, shared by all who ask, and anew after a loss. */
import { describe, expect, it, vi } from 'vitest'
import type { EngineAnswer, EngineRequest, Placement } from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import {
  Batcher,
  createDeviceEngine,
  WorkerHost,
  type DeviceEngineOptions,
} from '../../../packages/sdk/src/runtime/index.js'
import { createDeferred, neverAborted } from '../../../packages/sdk/src/shared/index.js'
import type { PrepareEvent, WorkerHandlers } from '../../../packages/sdk/src/transport/index.js'
import { everywhere } from '../router/inputs.js'
import { startFakeWorker, type FakeWorker } from '../transport/fake-worker.js'

const place: Placement = { engine: 'device', backend: 'wasm', variant: 'fp32' }
const source = { manifest: everywhere, manifestUrl: 'https://models.example/model/manifest.json' }
const request: EngineRequest<'tensors'> = { model: 'model', task: 'tensors', input: {}, options: {}, ...source }
const answer: EngineAnswer = { output: {}, timings: { inferenceMs: 1 } }

type Prepare = WorkerHandlers['prepare']

function streamOf(...events: PrepareEvent[]): ReadableStream<PrepareEvent> {
  return new ReadableStream({
    start(controller) {
      for (const event of events) controller.enqueue(event)
      controller.close()
    },
  })
}

function createEngine(
  behaviour: { prepare?: Prepare; run?: WorkerHandlers['run'] } = {},
  options: DeviceEngineOptions = {},
) {
  const prepare = vi.fn<Prepare>(behaviour.prepare ?? (() => Promise.resolve(streamOf())))
  const run = vi.fn<WorkerHandlers['run']>(behaviour.run ?? (() => Promise.resolve(answer)))
  const register = vi.fn(() => Promise.resolve(undefined))
  const hasten = vi.fn<WorkerHandlers['hasten']>(() => Promise.resolve(undefined))
  const shutdown = () => Promise.resolve({ sessions: 0, gpuDevices: 0, databases: 0 })
  const unload = vi.fn<WorkerHandlers['unload']>(() => Promise.resolve(undefined))
  const workers: FakeWorker[] = []
  const spawn = () => {
    const fake = startFakeWorker({ prepare, run, register, hasten, unload, shutdown })
    workers.push(fake)
    return fake.worker
  }
  const host = new WorkerHost({ spawn })
  const listener = { onDownload: vi.fn(), onReady: vi.fn(), onNotStored: vi.fn(), onPublished: vi.fn() }
  const engine = createDeviceEngine(host, 2, listener, options)
  return { engine, prepare, run, register, hasten, unload, listener, workers }
}

describe('a request on the device', () => {
  it('makes its placement ready first, once, and says how long that took only when it waited', async () => {
    const { engine, prepare, register, run } = createEngine()
    const first = await engine.run(place, request, neverAborted())
    const second = await engine.run(place, request, neverAborted())
    expect(first.timings).toEqual({ inferenceMs: 1, loadMs: expect.any(Number) as number })
    expect(second.timings).toEqual({ inferenceMs: 1 })
    expect(prepare.mock.calls.map(([payload]) => payload)).toEqual([
      { model: 'model@1', backend: 'wasm', variant: 'fp32', threads: 2 },
    ])
    expect(register).toHaveBeenCalledOnce()
    expect(run).toHaveBeenCalledTimes(2)
  })

  it('shares the preparation with others; one that leaves does not take it away', async () => {
    const opened = createDeferred<ReadableStream<PrepareEvent>>()
    const { engine, prepare } = createEngine({ prepare: () => opened.promise })
    const caller = new AbortController()
    const leaving = engine.prepare(place, source, caller.signal)
    const staying = engine.run(place, request, neverAborted())
    await vi.waitFor(() => expect(prepare).toHaveBeenCalled())
    caller.abort('gone')
    await expect(leaving).rejects.toBe('gone')
    opened.resolve(streamOf())
    expect(await staying).toMatchObject({ output: {} })
    expect(prepare).toHaveBeenCalledOnce()
  })

  it('cancels the preparation in the worker when the last who waited has left', async () => {
    const cancelled = createDeferred<unknown>()
    const reading = createDeferred<undefined>()
    const { engine } = createEngine({
      prepare: () =>
        Promise.resolve(
          new ReadableStream<PrepareEvent>(
            { pull: () => reading.resolve(undefined), cancel: (reason) => cancelled.resolve(reason) },
            { highWaterMark: 0 },
          ),
        ),
    })
    const caller = new AbortController()
    const preparing = engine.prepare(place, source, caller.signal)
    await reading.promise
    caller.abort('gone')
    await expect(preparing).rejects.toBe('gone')
    expect(await cancelled.promise).toBe('gone')
  })

  it('fails with the code of a preparation that failed, and prepares anew next time', async () => {
    const failure = new EdgewardError('SESSION_FAILED', 'no such operator')
    const { engine, prepare } = createEngine({
      prepare: () => Promise.resolve(new ReadableStream({ start: (controller) => controller.error(failure) })),
    })
    await expect(engine.run(place, request, neverAborted())).rejects.toMatchObject({ code: 'SESSION_FAILED' })
    prepare.mockImplementation(() => Promise.resolve(streamOf()))
    expect(await engine.run(place, request, neverAborted())).toMatchObject({ output: {} })
  })

  it('prepares anew after a lost GPU took the sessions', async () => {
    const { engine, prepare, run } = createEngine()
    run.mockImplementationOnce(() => Promise.reject(new EdgewardError('GPU_LOST', 'lost')))
    await expect(engine.run(place, request, neverAborted())).rejects.toMatchObject({ code: 'GPU_LOST' })
    await engine.run(place, request, neverAborted())
    expect(prepare).toHaveBeenCalledTimes(2)
  })

  it('prepares every model anew after that: the others do not fail one by one, nor count as ready', async () => {
    const { engine, prepare, run } = createEngine()
    const gpu: Placement = { ...place, backend: 'webgpu' }
    const manifest = { ...everywhere, id: 'other' }
    const other = { manifest, manifestUrl: 'https://models.example/other/manifest.json' }
    for (const [where, what] of [
      [gpu, source],
      [gpu, other],
      [place, other],
    ] as const) {
      await engine.prepare(where, what, neverAborted())
    }
    run.mockImplementationOnce(() => Promise.reject(new EdgewardError('GPU_LOST', 'lost')))
    await expect(engine.run(gpu, request, neverAborted())).rejects.toMatchObject({ code: 'GPU_LOST' })
    expect([engine.readiness(other, gpu), engine.readiness(other, place)]).toEqual([undefined, 'ready'])
    await engine.run(gpu, { ...request, ...other }, neverAborted())
    expect(prepare).toHaveBeenCalledTimes(4)
  })

  it('has nothing ready any more where a canary failed, since the worker has let go of it; the others stay', async () => {
    const { engine, prepare, run } = createEngine()
    const other = {
      manifest: { ...everywhere, id: 'other' },
      manifestUrl: 'https://models.example/other/manifest.json',
    }
    for (const what of [source, other]) await engine.prepare(place, what, neverAborted())
    run.mockImplementationOnce(() => Promise.reject(new EdgewardError('CANARY_FAILED', 'wrong')))
    await expect(engine.run(place, request, neverAborted())).rejects.toMatchObject({ code: 'CANARY_FAILED' })
    expect([engine.readiness(source, place), engine.readiness(other, place)]).toEqual([undefined, 'ready'])
    await engine.run(place, request, neverAborted())
    expect(prepare).toHaveBeenCalledTimes(3)
  })

  it('fails with WORKER_DIED when the worker dies while it is prepared, and is answered by a fresh worker next time', async () => {
    const { engine, workers, prepare, register } = createEngine({ prepare: () => new Promise(() => undefined) })
    const running = engine.run(place, request, neverAborted())
    await vi.waitFor(() => expect(prepare).toHaveBeenCalled())
    workers[0]?.crash()
    await expect(running).rejects.toMatchObject({ code: 'WORKER_DIED' })
    prepare.mockImplementation(() => Promise.resolve(streamOf()))
    expect(await engine.run(place, request, neverAborted())).toMatchObject({ output: {} })
    expect(workers).toHaveLength(2)
    expect(register).toHaveBeenCalledTimes(2)
  })

  it('without a manifest is refused', async () => {
    const { engine } = createEngine()
    const bare = { model: 'model', task: 'tensors', input: {}, options: {} } as const
    await expect(engine.run(place, bare, neverAborted())).rejects.toMatchObject({ code: 'MANIFEST_NOT_FOUND' })
  })
})

it('tells about downloads, readiness and what could not be stored', async () => {
  const { engine, listener } = createEngine({
    prepare: () =>
      Promise.resolve(
        streamOf(
          { type: 'progress', phase: 'verify', loadedBytes: 5, totalBytes: 10, cachedBytes: 2 },
          { type: 'not-stored', reason: 'no storage left' },
        ),
      ),
  })
  await engine.prepare(place, source, neverAborted())
  expect(listener.onDownload.mock.calls).toEqual([
    [{ model: 'model', phase: 'verify', loadedBytes: 5, totalBytes: 10, cachedBytes: 2 }],
  ])
  expect(listener.onNotStored.mock.calls).toEqual([['model', 'no storage left', 'model']])
  expect(listener.onReady.mock.calls).toEqual([['model', place, expect.any(Number)]])
})

it('is disposed of with its worker: what is pending hears DISPOSED', async () => {
  const { engine, run, workers } = createEngine({ run: () => new Promise(() => undefined) })
  const running = engine.run(place, request, neverAborted())
  await vi.waitFor(() => expect(run).toHaveBeenCalled())
  const disposing = engine.dispose()
  await expect(running).rejects.toMatchObject({ code: 'DISPOSED' })
  await disposing
  expect(workers[0]?.terminations()).toBe(1)
})

it('what happens to the weights after "ready" is still told', async () => {
  const events: PrepareEvent[] = [
    { type: 'ready' },
    { type: 'not-stored', reason: 'no space' },
    { type: 'not-stored', model: 'other', reason: 'it made room' },
    { type: 'published' },
  ]
  const { engine, listener } = createEngine({ prepare: () => Promise.resolve(streamOf(...events)) })
  await engine.prepare(place, source, neverAborted())
  await expect.poll(() => listener.onPublished.mock.calls).toHaveLength(1)
  expect(listener.onReady).toHaveBeenCalledOnce()
  expect(listener.onNotStored.mock.calls).toEqual([
    ['model', 'no space', 'model'],
    ['other', 'it made room', 'model'],
  ])
})

describe('a placement that is made ready in the background', () => {
  it('is asked for at low priority, and goes on at the normal one when a request waits for it: told once', async () => {
    const opened = createDeferred<ReadableStream<PrepareEvent>>()
    const { engine, prepare, hasten } = createEngine({ prepare: () => opened.promise })
    const background = engine.prepare(place, source, neverAborted(), 'low')
    await vi.waitFor(() => expect(prepare.mock.calls.map(([{ priority }]) => priority)).toEqual(['low']))
    const again = engine.prepare(place, source, neverAborted(), 'low')
    const requests = [engine.run(place, request, neverAborted()), engine.run(place, request, neverAborted())]
    await vi.waitFor(() => expect(hasten.mock.calls.map(([{ model }]) => model)).toEqual(['model@1']))
    opened.resolve(streamOf())
    await Promise.all([background, again, ...requests])
    expect(prepare).toHaveBeenCalledOnce()
    expect(hasten).toHaveBeenCalledOnce()
  })

  it('needs no haste when nobody waits, nor one that somebody waited for from the beginning', async () => {
    const { engine, prepare, hasten } = createEngine()
    await engine.prepare(place, source, neverAborted(), 'low')
    await engine.run(place, request, neverAborted())
    const gpu: Placement = { engine: 'device', backend: 'webgpu', variant: 'fp32' }
    await Promise.all([engine.run(gpu, request, neverAborted()), engine.prepare(gpu, source, neverAborted(), 'low')])
    expect(prepare.mock.calls.map(([{ priority }]) => priority)).toEqual(['low', undefined])
    expect(hasten).not.toHaveBeenCalled()
  })

  it('rejects with WORKER_DIED when the worker dies, and can be asked for again', async () => {
    const { engine, prepare, workers } = createEngine({ prepare: () => new Promise(() => undefined) })
    const background = engine.prepare(place, source, neverAborted(), 'low')
    await vi.waitFor(() => expect(prepare).toHaveBeenCalled())
    workers[0]?.crash()
    await expect(background).rejects.toMatchObject({ code: 'WORKER_DIED' })
    prepare.mockImplementation(() => Promise.resolve(streamOf()))
    await engine.prepare(place, source, neverAborted(), 'low')
    expect(engine.readiness(source, place)).toBe('ready')
  })
})

describe('readiness', () => {
  it('is said at once: of a load, of its end, and of no other model, revision or place', async () => {
    const opened = createDeferred<ReadableStream<PrepareEvent>>()
    const { engine } = createEngine({ prepare: () => opened.promise })
    expect(engine.readiness(source, place)).toBeUndefined()
    const loads = [engine.prepare(place, source, neverAborted()), engine.run(place, request, neverAborted())]
    expect(engine.readiness(source, place)).toBe('loading')
    opened.resolve(streamOf())
    await Promise.all(loads)
    expect(engine.readiness(source, place)).toBe('ready')
    expect(engine.readiness({ ...source, manifest: { ...everywhere, revision: '2' } }, place)).toBeUndefined()
    expect(engine.readiness(source, { ...place, variant: 'q8' })).toBeUndefined()
  })

  it('ends with a failure, with the last who waited, with a lost GPU and with the worker', async () => {
    const { engine, prepare, run, workers } = createEngine({
      prepare: () => Promise.reject(new EdgewardError('SESSION_FAILED', 'no such operator')),
    })
    await expect(engine.prepare(place, source, neverAborted())).rejects.toMatchObject({ code: 'SESSION_FAILED' })
    expect(engine.readiness(source, place)).toBeUndefined()
    prepare.mockImplementation(() => new Promise(() => undefined))
    const caller = new AbortController()
    const leaving = engine.prepare(place, source, caller.signal)
    await vi.waitFor(() => expect(prepare).toHaveBeenCalledTimes(2))
    caller.abort('gone')
    await expect(leaving).rejects.toBe('gone')
    expect(engine.readiness(source, place)).toBeUndefined()
    prepare.mockImplementation(() => Promise.resolve(streamOf()))
    run.mockImplementationOnce(() => Promise.reject(new EdgewardError('GPU_LOST', 'lost')))
    await expect(engine.run(place, request, neverAborted())).rejects.toMatchObject({ code: 'GPU_LOST' })
    expect(engine.readiness(source, place)).toBeUndefined()
    await engine.run(place, request, neverAborted())
    expect(engine.readiness(source, place)).toBe('ready')
    workers[0]?.crash()
    await expect.poll(() => engine.readiness(source, place)).toBeUndefined()
  })
})

describe('requests that wait', () => {
  const hanging = () => {
    const answers: (() => void)[] = []
    const run = () => new Promise<EngineAnswer>((resolve) => answers.push(() => resolve(answer)))
    return { run, answers }
  }

  it('are refused with QUEUE_FULL beyond what the policy allows, whatever their lane; one that runs does not wait', async () => {
    const { run, answers } = hanging()
    const { engine, run: asked } = createEngine({ run })
    const ask = (more: Partial<EngineRequest<'tensors'>>) => engine.run(place, { ...request, ...more }, neverAborted())
    const first = ask({ maxQueued: 0 })
    await expect(ask({ maxQueued: 0, lane: 'interactive' })).rejects.toMatchObject({
      code: 'QUEUE_FULL',
      details: { waiting: 0, maxQueued: 0, lane: 'interactive' },
    })
    const second = ask({ maxQueued: 1 })
    await expect(ask({ maxQueued: 1 })).rejects.toMatchObject({ code: 'QUEUE_FULL', details: { waiting: 1 } })
    await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(2))
    for (const give of answers) give()
    await Promise.all([first, second])
    // Those that have ended do not count any more.
    const third = ask({ maxQueued: 0 })
    await vi.waitFor(() => expect(answers).toHaveLength(3))
    answers.at(-1)?.()
    expect(await third).toMatchObject({ output: {} })
  })

  it('say how long they waited, for the worker too, when they were not alone', async () => {
    const { run, answers } = hanging()
    const { engine } = createEngine({ run })
    const both = [1, 2].map(() => engine.run(place, request, neverAborted()))
    await vi.waitFor(() => expect(answers).toHaveLength(2))
    for (const give of answers.splice(0)) give()
    for (const { timings } of await Promise.all(both)) expect(timings.queueMs).toBeGreaterThanOrEqual(0)
    const alone = engine.run(place, request, neverAborted())
    await vi.waitFor(() => expect(answers).toHaveLength(1))
    answers[0]?.()
    expect((await alone).timings).not.toHaveProperty('queueMs')
  })

  it('are not started when their deadline has passed meanwhile', async () => {
    const opened = createDeferred<ReadableStream<PrepareEvent>>()
    const { engine, run } = createEngine({ prepare: () => opened.promise })
    const late = engine.run(place, { ...request, deadlineAt: performance.now() }, neverAborted())
    opened.resolve(streamOf())
    await expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
    expect(run).not.toHaveBeenCalled()
  })

  it('tell the worker their lane, and nothing of the queue with their source', async () => {
    const { engine, run, register } = createEngine()
    await engine.run(place, request, neverAborted())
    await engine.run(place, { ...request, lane: 'interactive', maxQueued: 3, deadlineAt: Infinity }, neverAborted())
    expect(run.mock.calls.map(([{ lane }]) => lane)).toEqual(['default', 'interactive'])
    expect(register.mock.calls).toEqual([[source, expect.anything()]])
  })

  it.each([
    ['of the background, where they can be merged', 'background', 2],
    ['of the background, and cannot be merged, go straight to the worker', 'background', undefined],
    ['of another lane go straight to the worker', 'default', 2],
  ] as const)('%s', async (_what, lane, merged) => {
    const { run, answers } = hanging()
    const batchingOf = () =>
      merged && {
        kindOf: () => '',
        rowsOf: () => 1,
        merge: () => ({}),
        split: (_output: unknown, inputs: readonly unknown[]) => inputs.map(() => ({})),
      }
    const loadBatching = () => Promise.resolve({ batcher: new Batcher(), batchingOf })
    const { engine, run: asked } = createEngine({ run }, { loadBatching })
    await engine.prepare(place, source, neverAborted())
    const waiting = [1, 2, 3].map(() => engine.run(place, { ...request, lane }, neverAborted()))
    const isMerged = lane === 'background' && merged !== undefined
    await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(isMerged ? 1 : 3))
    for (const give of answers.splice(0)) give()
    if (isMerged) {
      await vi.waitFor(() => expect(answers).toHaveLength(1))
      answers[0]?.()
    }
    const counts = (await Promise.all(waiting)).map(({ timings }) => timings.batchedRequests)
    expect(counts).toEqual(isMerged ? [undefined, 2, 2] : [undefined, undefined, undefined])
  })
})

describe('a budget of memory', () => {
  const memory = { maxBytes: 1, bytesOf: () => 1 }
  const other = { manifest: { ...everywhere, id: 'other' }, manifestUrl: 'https://models.example/other/manifest.json' }

  it('unloads the least recently used model before another one is made ready', async () => {
    const { engine, prepare, unload } = createEngine({}, { memory })
    await engine.prepare(place, source, neverAborted())
    prepare.mockImplementation(() => {
      expect(unload.mock.calls.map(([payload]) => payload)).toEqual([
        { model: 'model@1', backend: 'wasm', variant: 'fp32' },
      ])
      return Promise.resolve(streamOf())
    })
    await engine.run(place, { ...request, ...other }, neverAborted())
    expect(unload).toHaveBeenCalledOnce()
    expect([engine.readiness(source, place), engine.readiness(other, place)]).toEqual([undefined, 'ready'])
  })

  it('never unloads a model with requests in flight, and makes up for it when they have ended', async () => {
    const running = createDeferred<EngineAnswer>()
    const { engine, run, unload } = createEngine({ run: () => running.promise }, { memory })
    const busy = engine.run(place, request, neverAborted())
    await vi.waitFor(() => expect(run).toHaveBeenCalled())
    await engine.prepare(place, other, neverAborted())
    // What has room is over: the one that nobody works with goes.
    await vi.waitFor(() => expect(unload).toHaveBeenCalledOnce())
    expect(engine.readiness(source, place)).toBe('ready')
    running.resolve(answer)
    await busy
    expect(engine.readiness(source, place)).toBe('ready')
    expect(engine.readiness(other, place)).toBeUndefined()
  })

  it('when memory is short all the same, the least recently used model makes room once', async () => {
    const { engine, prepare, unload } = createEngine()
    await engine.prepare(place, source, neverAborted())
    const short = () =>
      Promise.resolve(
        new ReadableStream<PrepareEvent>({
          start: (controller) => controller.error(new EdgewardError('OUT_OF_MEMORY', 'no memory')),
        }),
      )
    prepare.mockImplementationOnce(short)
    await engine.prepare(place, other, neverAborted())
    expect(unload.mock.calls.map(([{ model }]) => model)).toEqual(['model@1'])
    expect(engine.readiness(other, place)).toBe('ready')
    prepare.mockImplementation(short)
    await expect(engine.prepare(place, source, neverAborted())).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' })
    expect(unload).toHaveBeenCalledTimes(2)
  })
})
