/** The queue: order, limits, and what an abort frees. */
import { isEdgewardError } from 'edgeward'
import { describe, expect, it } from 'vitest'
import { SessionQueue } from '../../../packages/server/src/models/session-queue.js'

const never = new AbortController().signal

/** Work that ends when the test says so. */
function openWork() {
  const started: string[] = []
  const finish = new Map<string, () => void>()
  const work = (name: string) => () =>
    new Promise<string>((resolve) => {
      started.push(name)
      finish.set(name, () => resolve(name))
    })
  return { started, work, end: (name: string) => finish.get(name)?.() }
}

const queueOf = (maxConcurrentRuns: number, maxQueuedRequests: number) =>
  new SessionQueue('m', { maxConcurrentRuns, maxQueuedRequests })

describe('session queue', () => {
  it('runs in order of arrival, no more at a time than allowed', async () => {
    const queue = queueOf(2, 10)
    const { started, work, end } = openWork()
    const all = ['a', 'b', 'c', 'd'].map((name) => queue.run(work(name), never))
    await Promise.resolve()
    expect([started, queue.running, queue.length]).toEqual([['a', 'b'], 2, 2])

    end('b')
    await all[1]
    await expect.poll(() => started).toEqual(['a', 'b', 'c'])
    end('a')
    await expect.poll(() => started).toEqual(['a', 'b', 'c', 'd'])
    end('c')
    end('d')

    expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd'])
    expect([queue.running, queue.length]).toEqual([0, 0])
  })

  it('refuses at once when full, with a code that says to try again', async () => {
    const queue = queueOf(1, 1)
    const { work, end } = openWork()
    const first = queue.run(work('a'), never)
    const second = queue.run(work('b'), never)

    const refused = await queue.run(work('c'), never).catch((error: unknown) => error)

    expect(isEdgewardError(refused) && refused.code).toBe('REMOTE_OVERLOADED')
    end('a')
    await first
    await expect.poll(() => end('b')).toBeUndefined()
    expect(await second).toBe('b')
  })

  it('drops a waiting request when its signal aborts, and never starts it', async () => {
    const queue = queueOf(1, 2)
    const { started, work, end } = openWork()
    const leaving = new AbortController()
    const first = queue.run(work('a'), never)
    const second = queue.run(work('b'), leaving.signal)
    const third = queue.run(work('c'), never)

    leaving.abort(new Error('gone'))

    await expect(second).rejects.toThrow('gone')
    expect(queue.length).toBe(1)
    end('a')
    await first
    await expect.poll(() => started).toEqual(['a', 'c'])
    end('c')
    await third
  })

  it('lets a caller go whose signal aborts during its run, and keeps the place until the run has ended', async () => {
    const queue = queueOf(1, 1)
    const { started, work, end } = openWork()
    const leaving = new AbortController()
    const first = queue.run(work('a'), leaving.signal)
    const second = queue.run(work('b'), never)
    await expect.poll(() => started).toEqual(['a'])

    leaving.abort(new Error('too late'))

    await expect(first).rejects.toThrow('too late')
    expect([started, queue.running]).toEqual([['a'], 1])
    end('a')
    await expect.poll(() => started).toEqual(['a', 'b'])
    end('b')
    await second
  })

  it('does not start a request whose signal aborts just as its turn comes', async () => {
    const queue = queueOf(1, 1)
    const { started, work } = openWork()
    const leaving = new AbortController()
    const first = queue.run(work('a'), leaving.signal)

    leaving.abort(new Error('gone'))

    await expect(first).rejects.toThrow('gone')
    expect([started, queue.running]).toEqual([[], 0])
  })

  it('frees the place of a run that fails', async () => {
    const queue = queueOf(1, 1)
    await expect(queue.run(() => Promise.reject(new Error('broken')), never)).rejects.toThrow('broken')
    expect(await queue.run(() => Promise.resolve('next'), never)).toBe('next')
  })

  it('refuses a request whose signal has aborted already', async () => {
    const { started, work } = openWork()
    await expect(queueOf(1, 1).run(work('a'), AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
    expect(started).toEqual([])
  })
})
