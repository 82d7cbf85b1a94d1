/** Workers that have worked enough: a fresh one, with the same placements ready, takes over without a gap. */
import { describe, expect, it, vi } from 'vitest'
import { createDeferred } from '../../../packages/sdk/src/shared/index.js'
import type { EngineAnswer, Placement } from '../../../packages/sdk/src/contract/index.js'
import type { WorkerHandlers } from '../../../packages/sdk/src/transport/index.js'
import { answer, never, place, startLife, streamOf, type Behaviour } from './living-workers.js'

const recycle = { runs: 3, heapGrowthBytes: 100 }

/** Counts the runs of each worker. */
function counted(behaviour: Behaviour = () => ({})) {
  const runs: number[] = []
  const counting: Behaviour = (worker) => ({
    run: () => {
      runs[worker] = (runs[worker] ?? 0) + 1
      return Promise.resolve(answer)
    },
    ...behaviour(worker),
  })
  return { runs, counting }
}

describe('a worker that has done its runs', () => {
  it('is replaced at an idle moment by one that has the same placements ready; then it is shut down', async () => {
    const prepare = vi.fn<WorkerHandlers['prepare']>(() => Promise.resolve(streamOf()))
    const { runs, counting } = counted(() => ({ prepare }))
    const { run, pass, workers, states, health, isReady } = startLife(counting, { recycle })
    const gpu: Placement = { ...place, backend: 'webgpu' }
    await run({}, gpu)
    for (let time = 0; time < 2; time += 1) await run()
    expect(workers).toHaveLength(1)
    await pass(3_000)
    expect(workers.map((worker) => worker.terminations())).toEqual([1, 0])
    expect(isReady()).toBe(true)
    expect((await run({}, gpu)).timings.loadMs).toBeUndefined()
    expect(runs).toEqual([3, 1])
    expect(prepare.mock.calls.map(([{ backend, priority, threads }]) => [backend, priority, threads])).toEqual([
      ['webgpu', undefined, 1],
      ['wasm', undefined, 1],
      ['webgpu', 'low', 1],
      ['wasm', 'low', 1],
    ])
    expect(states()).toEqual(['worker replaced'])
    expect(health[0]?.reason).toContain('it has done 3 runs')
  })

  it('answers until the fresh one is ready, and ends what it was asked before it goes', async () => {
    const loaded = createDeferred<ReadableStream>()
    const slow = createDeferred<EngineAnswer>()
    const { runs, counting } = counted((worker) => (worker === 1 ? { prepare: () => loaded.promise } : {}))
    let isSlow = false
    const { run, pass, workers, isReady } = startLife(
      (worker) => {
        const handlers = counting(worker)
        return { ...handlers, run: (...asked) => (isSlow ? slow.promise : (handlers.run?.(...asked) ?? never())) }
      },
      { recycle },
    )
    for (let time = 0; time < 3; time += 1) await run()
    await pass(2_000)
    expect(workers).toHaveLength(2)
    await run()
    expect(runs).toEqual([4])
    isSlow = true
    const pending = run()
    await pass(1_000)
    isSlow = false
    loaded.resolve(streamOf())
    await pass(2_000)
    expect(isReady()).toBe(true)
    await run()
    expect(runs).toEqual([4, 1])
    expect(workers.map((worker) => worker.terminations())).toEqual([0, 0])
    slow.resolve(answer)
    await pending
    await pass(1_000)
    expect(workers.map((worker) => worker.terminations())).toEqual([1, 0])
  })

  it('is not replaced while it is busy, but at twice as many runs at any moment', async () => {
    const { counting } = counted()
    const { run, clock, workers, settle, pass } = startLife(counting, { recycle })
    for (let time = 0; time < 5; time += 1) {
      await run()
      clock.advance(500)
      await settle()
    }
    expect(workers).toHaveLength(1)
    for (let time = 0; time < 3; time += 1) {
      await run()
      clock.advance(500)
      await settle()
    }
    await pass(1_000)
    expect(workers).toHaveLength(2)
  })

  it('stays, and is left alone for long, when something that is ready is not in the cache', async () => {
    const missing = vi.fn<WorkerHandlers['missing']>(() => Promise.resolve({ fp32: { files: ['weights'], bytes: 7 } }))
    const { run, pass, workers, states, isReady } = startLife(() => ({ missing }), { recycle })
    for (let time = 0; time < 3; time += 1) await run()
    await pass(3_000)
    expect(workers.map((worker) => worker.terminations())).toEqual([0, 1])
    for (let time = 0; time < 3; time += 1) {
      await run()
      await pass(2_000)
    }
    expect(workers).toHaveLength(2)
    expect([missing.mock.calls.length, states(), isReady()]).toEqual([1, [], true])
    await pass(300_000)
    await run()
    await pass(2_000)
    expect(workers).toHaveLength(3)
  })

  it('stays when it is given files of the user that its successor does not know', async () => {
    const loaded = createDeferred<ReadableStream>()
    const add = vi.fn<WorkerHandlers['add']>(() => Promise.resolve(undefined))
    const { run, pass, workers, host } = startLife(
      (worker) => ({ add, ...(worker === 1 && { prepare: () => loaded.promise }) }),
      { recycle },
    )
    for (let time = 0; time < 3; time += 1) await run()
    await pass(2_000)
    expect(workers).toHaveLength(2)
    const adding = host.add({ id: 'local:mine', revision: '1', files: {} })
    loaded.resolve(streamOf())
    await adding
    await pass(1_000)
    expect(add).toHaveBeenCalledOnce()
    expect(workers.map((worker) => worker.terminations())).toEqual([0, 1])
  })

  it('stays when its successor dies before it is ready, and nothing is told as lost', async () => {
    const { run, pass, workers, states } = startLife(
      (worker) => (worker === 1 ? { prepare: () => (workers[1]?.crash(), never()) } : {}),
      { recycle },
    )
    for (let time = 0; time < 3; time += 1) await run()
    await pass(3_000)
    await run()
    expect(workers.map((worker) => worker.terminations())).toEqual([0, 1])
    expect(states()).toEqual([])
  })

  it('is given up with its successor when the page is left, or the client disposed of', async () => {
    for (const end of ['leave', 'dispose'] as const) {
      const { run, pass, workers, host, settle } = startLife((worker) => (worker === 1 ? { prepare: never } : {}), {
        recycle,
      })
      for (let time = 0; time < 3; time += 1) await run()
      await pass(2_000)
      expect(workers).toHaveLength(2)
      await host[end]()
      await settle()
      expect(workers.map((worker) => worker.terminations())).toEqual([1, 1])
    }
  })
})

describe('a worker whose memory has grown', () => {
  it('since its last load is replaced, and is asked for that rarely', async () => {
    let heapBytes = 500
    const vitals = vi.fn<WorkerHandlers['vitals']>(() => Promise.resolve({ heapBytes, runs: 0, gpuLosses: 0 }))
    const { run, pass, workers, health } = startLife(() => ({ vitals }), { recycle: { ...recycle, runs: 1_000 } })
    await run()
    await pass(2_000)
    expect(vitals).toHaveBeenCalledOnce()
    heapBytes = 600
    for (let time = 0; time < 15; time += 1) {
      await run()
      await pass(1_000)
    }
    expect([vitals.mock.calls.length, workers.length]).toEqual([1, 1])
    await run()
    await pass(3_000)
    expect(workers).toHaveLength(2)
    expect(health.map(({ reason }) => reason)).toEqual([
      'A fresh worker has taken over, since its memory has grown by 0 MiB.',
    ])
  })
})

it('a host without limits never asks, nor sets a timer', async () => {
  const vitals = vi.fn<WorkerHandlers['vitals']>(never)
  const { run, clock, pass } = startLife(() => ({ vitals }))
  await run()
  await pass(2_000)
  expect([vitals.mock.calls.length, clock.pending]).toEqual([0, 0])
})
