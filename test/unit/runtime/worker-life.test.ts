/** The life of workers: those that hang are ended, those that cannot be trusted are replaced, and requests move over. */
import { describe, expect, it, vi } from 'vitest'
import { createWorkerProcessor } from '../../../packages/sdk/src/runtime/index.js'
import { neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { createDeferred } from '../../../packages/sdk/src/shared/index.js'
import type { EngineAnswer, Placement } from '../../../packages/sdk/src/contract/index.js'
import type { PrepareEvent, WorkerHandlers } from '../../../packages/sdk/src/transport/index.js'
import { answer, never, place, source, startLife, streamOf, untrusted } from './living-workers.js'

/** The first worker behaves so, the others well. */
const first = (handlers: Partial<WorkerHandlers>) => (worker: number) => (worker === 0 ? handlers : {})
const request = { model: 'model', task: 'tensors', input: {}, options: {}, ...source } as const

function phase(name: 'download' | 'runtime' | 'session'): PrepareEvent {
  return { type: 'progress', phase: name, loadedBytes: 1, totalBytes: 1, cachedBytes: 0 }
}

/** A load that tells these events, and nothing more. */
const stuckAfter = (...events: PrepareEvent[]): WorkerHandlers['prepare'] => {
  const stream = () =>
    new ReadableStream<PrepareEvent>({ start: (controller) => events.forEach((event) => controller.enqueue(event)) })
  return () => Promise.resolve(stream())
}

describe('a worker that hangs', () => {
  it('in a run is ended after hangMs; what was pending rejects at once, and a fresh one answers the next request', async () => {
    const { run, pass, states, workers, health, settle } = startLife(first({ run: never, vitals: never }))
    const pending = Promise.allSettled([run(), run()])
    await settle()
    await pass(60_000)
    for (const end of await pending) {
      expect(end).toMatchObject({ reason: { code: 'WORKER_DIED', details: { hung: true, silentMs: 60_000 } } })
    }
    expect(workers[0]?.terminations()).toBe(1)
    expect(await run()).toMatchObject({ output: {} })
    expect(states()).toEqual(['worker lost', 'worker recovered'])
    expect(health[0]?.reason).toContain('no sign of life for 60000 ms')
  })

  it.each([
    ['a sixth of hangMs, when runs were measured', { expectedMs: 500 }, 10_000],
    ['ten times what a run was measured to take', { expectedMs: 2_000 }, 20_000],
    ['the deadline of the request', { expectedMs: 500, deadlineAt: 90_000 }, 90_000],
  ])('is ended after %s', async (_what, times, limitMs) => {
    vi.spyOn(performance, 'now').mockReturnValue(0)
    const { run, pass, settle } = startLife(first({ run: never, vitals: never }))
    const onEnd = vi.fn()
    void run(times).catch(onEnd)
    await settle()
    await pass(limitMs - 1_000)
    expect(onEnd).not.toHaveBeenCalled()
    await pass(1_000)
    expect(onEnd.mock.calls).toMatchObject([[{ code: 'WORKER_DIED' }]])
    vi.restoreAllMocks()
  })

  it.each([
    ['runtime', 181_000],
    ['session', 61_000],
  ] as const)('in the phase %s of a load is ended though it still answers', async (name, limitMs) => {
    const { run, pass, settle, isReady } = startLife(first({ prepare: stuckAfter(phase('download'), phase(name)) }))
    const failing = expect(run()).rejects.toMatchObject({ code: 'WORKER_DIED', details: { hung: true } })
    await settle()
    await pass(limitMs - 5_000)
    expect(isReady()).toBe(false)
    await pass(5_000)
    await failing
    expect(await run()).toMatchObject({ output: {} })
  })

  it.each(['download', 'runtime'] as const)(
    'in the phase %s of a load, and answers nothing, is ended after a third of hangMs',
    async (name) => {
      const prepare = stuckAfter(phase('download'), phase(name))
      const { run, pass, settle } = startLife(first({ prepare, vitals: never }))
      const onEnd = vi.fn()
      void run().catch(onEnd)
      await settle()
      await pass(19_000)
      expect(onEnd).not.toHaveBeenCalled()
      await pass(2_000)
      expect(onEnd.mock.calls).toMatchObject([[{ code: 'WORKER_DIED', details: { hung: true, silentMs: 20_000 } }]])
      expect(await run()).toMatchObject({ output: {} })
    },
  )

  it('is not one that answers nothing for half of hangMs while it makes a session', async () => {
    const prepare = stuckAfter(phase('download'), phase('session'))
    const { run, pass, settle, states } = startLife(first({ prepare, vitals: never }))
    void run().catch(() => undefined)
    await settle()
    await pass(30_000)
    expect(states()).toEqual([])
  })

  it('is not one whose load waits for the network for as long as that takes', async () => {
    const { run, pass, settle, states } = startLife(first({ prepare: stuckAfter(phase('download')) }))
    const onEnd = vi.fn()
    void run().then(onEnd, onEnd)
    await settle()
    await pass(600_000)
    expect(onEnd).not.toHaveBeenCalled()
    expect(states()).toEqual([])
  })

  it('is not one that fetches a picture for a run as long as it answers', async () => {
    const { engine, pass, settle, states } = startLife(first({ run: never }))
    const input = 'https://pictures.example/large.png'
    const picture = { ...request, task: 'image-to-text', input, expectedMs: 10 } as const
    void engine.run(place, picture, neverAborted()).catch(() => undefined)
    await settle()
    await pass(120_000)
    expect(states()).toEqual([])
  })
})

describe('a worker that cannot be trusted any more', () => {
  it('is asked nothing more: what is pending ends in it, the next request does not wait for it, and then it is shut down', async () => {
    const slow = createDeferred<EngineAnswer>()
    const runs = [() => slow.promise, () => Promise.reject(untrusted)]
    const shutdown = vi.fn(() => Promise.resolve({ sessions: 0, gpuDevices: 0, databases: 0 }))
    const { run, workers, states, pass, settle } = startLife(
      first({ shutdown, run: () => runs.shift()?.() ?? never() }),
    )
    const pending = run()
    await settle()
    await expect(run()).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' })
    expect(await run()).toMatchObject({ output: {} })
    expect(workers).toHaveLength(2)
    await pass(10_000)
    expect(shutdown).not.toHaveBeenCalled()
    slow.resolve(answer)
    expect(await pending).toMatchObject({ output: {} })
    await pass(1_000)
    expect(shutdown).toHaveBeenCalledOnce()
    expect(workers.map((worker) => worker.terminations())).toEqual([1, 0])
    expect(states()).toEqual(['worker lost', 'worker recovered'])
  })

  it('because memory was short for a load beside other models, leaves that load to the fresh one, which has room', async () => {
    const loads: number[] = []
    const { run, isReady, engine } = startLife((worker) => ({
      prepare: (payload) => {
        loads.push(worker)
        if (worker === 0 && payload.model === 'other@1') return Promise.reject(untrusted)
        return Promise.resolve(new ReadableStream({ start: (controller) => controller.close() }))
      },
    }))
    await run()
    const manifest = { ...source.manifest, id: 'other' }
    await engine.prepare(place, { ...source, manifest }, neverAborted())
    expect(loads).toEqual([0, 0, 1])
    expect(isReady()).toBe(false)
  })

  it('because memory was short for its only model, fails: a fresh one would have no more', async () => {
    const { run, workers } = startLife(() => ({ prepare: () => Promise.reject(untrusted) }))
    await expect(run()).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' })
    expect(workers).toHaveLength(1)
  })
})

describe('workers that one model costs their trust, again and again', () => {
  it('are replaced for the others at once, who are not kept waiting', async () => {
    const { run, workers } = startLife(() => ({
      prepare: ({ model }) => (model === 'other@1' ? Promise.reject(untrusted) : Promise.resolve(streamOf())),
    }))
    const manifest = { ...source.manifest, id: 'other' }
    for (let times = 0; times < 4; times += 1) {
      await expect(run({ ...source, manifest })).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' })
    }
    expect(await run()).toMatchObject({ output: {} })
    expect(workers).toHaveLength(5)
  })
})

describe('workers that die one after the other', () => {
  it('are not started for the device for a while; what else needs one still has it', async () => {
    const { run, host, workers, clock, settle } = startLife((worker) =>
      worker < 3 ? { run: () => (workers[worker]?.crash(), never()) } : {},
    )
    for (let death = 0; death < 3; death += 1) await expect(run()).rejects.toMatchObject({ code: 'WORKER_DIED' })
    await expect(run()).rejects.toMatchObject({ code: 'WORKER_UNAVAILABLE', details: { remainingMs: 5_000 } })
    expect(workers).toHaveLength(3)
    const processor = createWorkerProcessor(host)
    expect(await processor.run(request, never, neverAborted())).toMatchObject({ output: {} })
    await expect(run()).resolves.toMatchObject({ output: {} })
    clock.advance(5_000)
    await settle()
    expect(await run()).toMatchObject({ output: {} })
    expect(workers).toHaveLength(4)
  })

  it('of what is not the device are not started for a while either', async () => {
    const { host, workers, clock } = startLife((worker) => ({ warm: () => (workers[worker]?.crash(), never()) }))
    const warm = () => host.call('warm', { backend: 'wasm', threads: 1 })
    await expect(warm()).rejects.toMatchObject({ code: 'WORKER_DIED' })
    await expect(warm()).rejects.toMatchObject({ code: 'WORKER_UNAVAILABLE' })
    expect(workers).toHaveLength(3)
    clock.advance(5_000)
    await expect(warm()).rejects.toMatchObject({ code: 'WORKER_UNAVAILABLE', details: { remainingMs: 10_000 } })
    expect(workers).toHaveLength(4)
  })
})

describe('what a dying worker was asked', () => {
  it('is asked once more of a fresh one, when that changes nothing', async () => {
    const { host, workers } = startLife((worker) => ({
      cache: () => (worker === 0 ? (workers[0]?.crash(), never()) : Promise.resolve([])),
    }))
    expect(await host.cache('list')).toEqual([])
    expect(workers).toHaveLength(2)
  })

  it('is not asked a third time', async () => {
    const { host, workers } = startLife((worker) => ({ cache: () => (workers[worker]?.crash(), never()) }))
    await expect(host.cache('list')).rejects.toMatchObject({ code: 'WORKER_DIED' })
    expect(workers).toHaveLength(2)
  })

  it('before and after an endpoint is done once more by a fresh one', async () => {
    const { host, workers } = startLife((worker) =>
      worker === 0 ? { process: () => (workers[0]?.crash(), never()) } : {},
    )
    expect(await createWorkerProcessor(host).run(request, never, neverAborted())).toMatchObject({ output: {} })
    expect(workers).toHaveLength(2)
  })

  it('is left to those who asked, when it was a run', async () => {
    const { run, workers } = startLife(first({ run: () => (workers[0]?.crash(), never()) }))
    await expect(run()).rejects.toMatchObject({ code: 'WORKER_DIED' })
    expect(workers).toHaveLength(1)
  })
})

describe('a page that is seen again', () => {
  it('ends a worker that does not answer within 5 s', async () => {
    const { host, run, states, pass, workers } = startLife(first({ vitals: never }))
    await run()
    const checked = host.recheck()
    await pass(5_000)
    await checked
    expect(states()).toEqual(['worker lost'])
    expect(workers[0]?.terminations()).toBe(1)
  })

  it('does not believe in what was ready on a GPU device that was lost meanwhile', async () => {
    let gpuLosses = 0
    const gpu: Placement = { ...place, backend: 'webgpu' }
    const { host, engine, run, states } = startLife(() => ({
      vitals: () => Promise.resolve({ heapBytes: 0, runs: 0, gpuLosses }),
    }))
    await run()
    await run({}, gpu)
    await host.recheck()
    expect(engine.readiness(source, gpu)).toBe('ready')
    gpuLosses = 1
    await host.recheck()
    expect([engine.readiness(source, gpu), engine.readiness(source, place)]).toEqual([undefined, 'ready'])
    await run({}, gpu)
    expect(states()).toEqual(['gpu lost', 'gpu recovered'])
  })

  it('has had its worker ended when it was left; who asks meanwhile is answered when it is back', async () => {
    const { host, run, states, workers, settle } = startLife(first({ run: never }))
    const pending = expect(run()).rejects.toMatchObject({ code: 'WORKER_DIED', details: { left: true } })
    await settle()
    host.leave()
    await pending
    expect(workers[0]?.terminations()).toBe(1)
    const onEnd = vi.fn()
    const asked = run().then(onEnd)
    await settle()
    expect([workers.length, onEnd.mock.calls.length]).toEqual([1, 0])
    await host.recheck()
    await asked
    expect(onEnd).toHaveBeenCalledOnce()
    expect(states()).toEqual([])
  })

  it('ends a worker that is still starting when it is left, and one that has just started', async () => {
    const { host, workers, settle } = startLife()
    const starting = expect(host.live()).rejects.toMatchObject({ code: 'WORKER_DIED' })
    host.leave()
    await starting
    await settle()
    expect(workers[0]?.terminations()).toBe(1)
    const disposed = expect(host.live()).rejects.toMatchObject({ code: 'DISPOSED' })
    await host.dispose()
    await disposed
  })
})
