/** The worker's owner: one worker for all, a fresh one after a death, none after dispose. */
import { describe, expect, it, vi } from 'vitest'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { WorkerHost } from '../../../packages/sdk/src/runtime/index.js'
import type { LiveResources, WorkerHandlers } from '../../../packages/sdk/src/transport/index.js'
import { startFakeWorker, type FakeWorker } from '../transport/fake-worker.js'
import { ManualClock } from './manual-clock.js'

const nothingLeft: LiveResources = { sessions: 0, gpuDevices: 0, databases: 0 }
const handlers = { shutdown: () => Promise.resolve(nothingLeft) }

/** A host that starts fake workers, and the workers that it has started. */
function createHost(start: () => FakeWorker = () => startFakeWorker(handlers)) {
  const started: FakeWorker[] = []
  const spawn = () => {
    const fake = start()
    started.push(fake)
    return fake.worker
  }
  const host = new WorkerHost({ spawn })
  return { host, started }
}

it('starts one worker for all who ask, and none before', async () => {
  const { host, started } = createHost()
  expect(started).toHaveLength(0)
  const [first, second] = await Promise.all([host.live(), host.live()])
  expect(second).toBe(first)
  expect(await host.live()).toBe(first)
  expect(started).toHaveLength(1)
})

it('starts a fresh worker after a death, which knows nothing of the old one', async () => {
  const { host, started } = createHost()
  const first = await host.live()
  const died = new Promise((resolve) => first.connection.onClosed(resolve))
  started[0]?.crash()
  expect(await died).toMatchObject({ code: 'WORKER_DIED' })
  const second = await host.live()
  expect(second).not.toBe(first)
  expect(started).toHaveLength(2)
})

it('gives a fresh worker the files of the user; a folder that is gone by then costs only its own model', async () => {
  const add = vi.fn<(payload: { readonly id: string }) => Promise<undefined>>().mockResolvedValue(undefined)
  const { host, started } = createHost(() => startFakeWorker({ ...handlers, add }))
  for (const id of ['local:gone', 'local:there']) await host.add({ id, revision: '1', files: {} })
  const { connection } = await host.live()
  const died = new Promise((resolve) => connection.onClosed(resolve))
  add.mockClear().mockRejectedValueOnce(new EdgewardError('MANIFEST_NOT_FOUND', 'the folder is gone'))
  started[0]?.crash()
  await died
  expect(await host.live()).toHaveProperty('connection')
  expect(add.mock.calls.map(([{ id }]) => id)).toEqual(['local:gone', 'local:there'])
})

describe('a worker whose script could not be loaded', () => {
  /** The workers of these numbers cannot be loaded. */
  function createFailingHost(...failing: number[]) {
    const clock = new ManualClock()
    const started: FakeWorker[] = []
    const spawn = () => {
      const isFailing = failing.includes(started.length)
      const fake = startFakeWorker(isFailing ? 'silent' : handlers)
      started.push(fake)
      if (isFailing) setImmediate(() => fake.fail(''))
      return fake.worker
    }
    return { host: new WorkerHost({ spawn, clock }), started, clock }
  }
  const settle = () => new Promise((resolve) => setTimeout(resolve, 10))

  it('for a moment costs that moment, and no request', async () => {
    const { host, started, clock } = createFailingHost(0, 2)
    for (const workers of [2, 4]) {
      const starting = host.live()
      await settle()
      clock.advance(500)
      const died = new Promise((resolve) => void starting.then(({ connection }) => connection.onClosed(resolve)))
      expect(await starting).toHaveProperty('connection')
      expect(started).toHaveLength(workers)
      started.at(-1)?.crash()
      await died
    }
  })

  it('twice is told; nobody waits for a second try then, until a worker has started', async () => {
    const { host, started, clock } = createFailingHost(0, 1, 2)
    const failing = expect(host.live()).rejects.toMatchObject({ code: 'WORKER_UNAVAILABLE' })
    await settle()
    clock.advance(500)
    await failing
    await expect(host.live()).rejects.toMatchObject({ code: 'WORKER_UNAVAILABLE' })
    expect(await host.live()).toHaveProperty('connection')
    expect(started).toHaveLength(4)
  })

  it('is not waited for by a client that is disposed', async () => {
    const { host, started, clock } = createFailingHost(0)
    const failing = expect(host.live()).rejects.toMatchObject({ code: 'DISPOSED' })
    await settle()
    await host.dispose()
    await failing
    clock.advance(500)
    await settle()
    expect(started).toHaveLength(1)
  })
})

it('says so when the page may not start workers at all', async () => {
  const cause = new DOMException('forbidden', 'SecurityError')
  const spawn = () => {
    throw cause
  }
  const host = new WorkerHost({ spawn })
  await expect(host.live()).rejects.toMatchObject({ code: 'WORKER_UNAVAILABLE', cause })
})

it('lets the worker free what it holds before it ends it, and starts none any more', async () => {
  const shutdown = vi.fn(handlers.shutdown)
  const { host, started } = createHost(() => startFakeWorker({ shutdown }))
  await host.live()
  expect(await host.dispose()).toEqual(nothingLeft)
  expect(shutdown).toHaveBeenCalledOnce()
  expect(started[0]?.terminations()).toBe(1)
  await expect(host.live()).rejects.toMatchObject({ code: 'DISPOSED' })
  expect(await host.dispose()).toBeUndefined()
})

it('ends a worker that is still starting at once, and who waits for it hears DISPOSED', async () => {
  const { host, started } = createHost(() => startFakeWorker('silent'))
  const waiting = host.live()
  const disposing = host.dispose()
  await expect(waiting).rejects.toMatchObject({ code: 'DISPOSED' })
  expect(await disposing).toBeUndefined()
  expect(started[0]?.terminations()).toBe(1)
})

it('ends a worker that dies during its shutdown without complaint', async () => {
  const { host, started } = createHost(() =>
    startFakeWorker({
      shutdown: () => {
        started[0]?.crash()
        return new Promise(() => undefined)
      },
    }),
  )
  await host.live()
  expect(await host.dispose()).toBeUndefined()
})

it('never starts a worker only to dispose of it', async () => {
  const { host, started } = createHost()
  await host.dispose()
  expect(started).toHaveLength(0)
})

it('tells the worker how many requests need the network, and a fresh one too; it starts none for that', async () => {
  const foreground = vi.fn<WorkerHandlers['foreground']>(() => Promise.resolve(undefined))
  const { host, started } = createHost(() => startFakeWorker({ ...handlers, foreground }))
  const told = () => foreground.mock.calls.map(([{ requests }]) => requests)
  host.foreground(2)
  expect(started).toHaveLength(0)
  const { connection } = await host.live()
  await expect.poll(told).toEqual([2])
  host.foreground(1)
  await expect.poll(told).toEqual([2, 1])
  const died = new Promise((resolve) => connection.onClosed(resolve))
  started[0]?.crash()
  await died
  expect(host.started).toBeUndefined()
  expect(await host.live()).toBe(host.started)
  await expect.poll(told).toEqual([2, 1, 1])
  host.foreground(0)
  await expect.poll(told).toEqual([2, 1, 1, 0])
  expect(started).toHaveLength(2)
})
