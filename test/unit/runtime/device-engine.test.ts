/** The device engine: models are registered and prepared once, shared by all who ask, and anew after a loss. */
import { describe, expect, it, vi } from 'vitest'
import type { EngineAnswer, EngineRequest, Placement } from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { createDeviceEngine, WorkerHost } from '../../../packages/sdk/src/runtime/index.js'
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

function createEngine(behaviour: { prepare?: Prepare; run?: WorkerHandlers['run'] } = {}) {
  const prepare = vi.fn<Prepare>(behaviour.prepare ?? (() => Promise.resolve(streamOf())))
  const run = vi.fn<WorkerHandlers['run']>(behaviour.run ?? (() => Promise.resolve(answer)))
  const register = vi.fn(() => Promise.resolve(undefined))
  const hasten = vi.fn<WorkerHandlers['hasten']>(() => Promise.resolve(undefined))
  const shutdown = () => Promise.resolve({ sessions: 0, gpuDevices: 0, databases: 0 })
  const workers: FakeWorker[] = []
  const host = new WorkerHost(() => {
    const fake = startFakeWorker({ prepare, run, register, hasten, shutdown })
    workers.push(fake)
    return fake.worker
  })
  const listener = { onDownload: vi.fn(), onReady: vi.fn(), onNotStored: vi.fn(), onPublished: vi.fn() }
  return { engine: createDeviceEngine(host, 2, listener), prepare, run, register, hasten, listener, workers }
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
