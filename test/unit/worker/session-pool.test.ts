/** The pool has the sessions that its page knows of, and no others. */
import { describe, expect, it, vi } from 'vitest'
import type { Graph } from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { createDeferred, neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { LaneQueue } from '../../../packages/sdk/src/worker/lane-queue.js'
import { RuntimeMemory } from '../../../packages/sdk/src/worker/runtime-memory.js'
import { SessionPool, type SessionPlace } from '../../../packages/sdk/src/worker/session-pool.js'
import { Trust } from '../../../packages/sdk/src/worker/trust.js'
import type { WorkerModel } from '../../../packages/sdk/src/worker/worker-model.js'
import { everywhere } from '../router/inputs.js'

const create = vi.hoisted(() => vi.fn<() => Promise<{ release(): Promise<void> }>>())
vi.mock('../../../packages/sdk/src/worker/runtime-build.js', () => ({
  buildFor: () => ({}),
  startRuntime: () =>
    Promise.resolve({
      ort: { InferenceSession: { create } },
      queue: new LaneQueue(),
      memory: new RuntimeMemory(),
      trust: new Trust(),
    }),
}))
vi.mock('../../../packages/sdk/src/worker/graph-files.js', () => ({ sessionInput: () => ({ externalData: [] }) }))

const place: SessionPlace = { backend: 'wasm', variant: 'fp32', threads: 1 }
// Without a canary, as models of the hub are.
const graph: Graph = { file: { path: 'model.onnx', bytes: 1, sha256: '', chunks: [] }, inputs: [], outputs: [] }
const manifest = { ...everywhere, assets: {} }

/** A model whose files are there. */
function modelAtHand(isOffline = false): WorkerModel {
  const fake = {
    manifest,
    isOffline,
    admit: () => Promise.resolve({ publish: () => undefined, giveUp: () => undefined }),
    variant: () => ({ graphs: { model: graph } }),
    loadGraph: () => Promise.resolve({}),
    task: () => Promise.resolve({}),
  }
  return fake as unknown as WorkerModel // All that the pool asks of it.
}

/** Sessions are made when `made` is resolved; `live` counts those that are not released. */
function slowSessions() {
  const made = createDeferred<undefined>()
  let live = 0
  create.mockReset().mockImplementation(async () => {
    await made.promise
    live += 1
    return {
      release: () => {
        live -= 1
        return Promise.resolve()
      },
    }
  })
  return { made, live: () => live }
}

it('a load whose last waiter leaves while its session is made frees that session', async () => {
  const { made, live } = slowSessions()
  const pool = new SessionPool()
  const caller = new AbortController()
  const opening = pool.open(modelAtHand(), place, caller.signal, {})
  await vi.waitFor(() => expect(create).toHaveBeenCalled())
  caller.abort('gone')
  await expect(opening).rejects.toBe('gone')
  made.resolve(undefined)
  await vi.waitFor(() => expect(create.mock.settledResults).toHaveLength(1))
  await vi.waitFor(() => expect(live()).toBe(0))
  expect(pool.live.sessions).toBe(0)
})

it('a load that is asked for again after that has sessions of its own, once', async () => {
  const { made, live } = slowSessions()
  const pool = new SessionPool()
  const caller = new AbortController()
  const leaving = pool.open(modelAtHand(), place, caller.signal, {})
  await vi.waitFor(() => expect(create).toHaveBeenCalled())
  caller.abort('gone')
  await expect(leaving).rejects.toBe('gone')
  const staying = pool.open(modelAtHand(), place, neverAborted(), {})
  made.resolve(undefined)
  await staying
  await vi.waitFor(() => expect([pool.live.sessions, live()]).toEqual([1, 1]))
  await pool.unload(modelAtHand(), place)
  expect([pool.live.sessions, live()]).toEqual([0, 0])
})

it('two loads of one placement, of which one may not use the network, end with one set of sessions', async () => {
  const { made, live } = slowSessions()
  const pool = new SessionPool()
  const opening = [false, true].map((isOffline) => pool.open(modelAtHand(isOffline), place, neverAborted(), {}))
  made.resolve(undefined)
  const [first, second] = await Promise.all(opening)
  expect(first).toBe(second)
  expect([pool.live.sessions, live()]).toEqual([1, 1])
})

describe('sessions that compute wrongly', () => {
  const wrong = () => Promise.reject(new EdgewardError('CANARY_FAILED', 'wrong'))

  it('are gone for the requests that come next, which hear why, and not of a GPU', async () => {
    const { made } = slowSessions()
    made.resolve(undefined)
    const pool = new SessionPool()
    await pool.open(modelAtHand(), place, neverAborted(), {})
    await expect(pool.use(modelAtHand(), place, wrong)).rejects.toMatchObject({ code: 'CANARY_FAILED' })
    await expect(pool.use(modelAtHand(), place, vi.fn())).rejects.toMatchObject({ code: 'CANARY_FAILED' })
  })

  it('take none with them that were made after them', async () => {
    const { made } = slowSessions()
    made.resolve(undefined)
    const pool = new SessionPool()
    await pool.open(modelAtHand(), place, neverAborted(), {})
    const late = createDeferred<never>()
    const running = pool.use(modelAtHand(), place, () => late.promise)
    await expect(pool.use(modelAtHand(), place, wrong)).rejects.toMatchObject({ code: 'CANARY_FAILED' })
    const fresh = await pool.open(modelAtHand(), place, neverAborted(), {})
    late.reject(new EdgewardError('CANARY_FAILED', 'wrong'))
    await expect(running).rejects.toMatchObject({ code: 'CANARY_FAILED' })
    expect(await pool.use(modelAtHand(), place, (sessions) => Promise.resolve(sessions))).toBe(fresh)
  })
})
