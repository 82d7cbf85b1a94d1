/** One piece of work at a time, in order. */
import { expect, it, vi } from 'vitest'
import { createDeferred, neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { SerialQueue } from '../../../packages/sdk/src/worker/serial-queue.js'

it('runs work in the order in which it came, one at a time', async () => {
  const queue = new SerialQueue()
  const log: string[] = []
  const first = createDeferred<undefined>()
  const work = (name: string, until: Promise<unknown>) => async () => {
    log.push(`${name} starts`)
    await until
    log.push(`${name} ends`)
    return name
  }
  const done = [
    queue.run(neverAborted(), work('first', first.promise)),
    queue.run(neverAborted(), work('second', Promise.resolve())),
  ]
  first.resolve(undefined)
  expect(await Promise.all(done)).toEqual(['first', 'second'])
  expect(log).toEqual(['first starts', 'first ends', 'second starts', 'second ends'])
})

it('never starts work whose caller has aborted while it waited', async () => {
  const queue = new SerialQueue()
  const first = createDeferred<string>()
  const running = queue.run(neverAborted(), () => first.promise)
  const caller = new AbortController()
  const second = vi.fn(() => Promise.resolve('second'))
  const waiting = queue.run(caller.signal, second)
  const third = queue.run(neverAborted(), () => Promise.resolve('third'))
  caller.abort('gone')
  first.resolve('first')
  await expect(waiting).rejects.toBe('gone')
  expect(second).not.toHaveBeenCalled()
  expect(await Promise.all([running, third])).toEqual(['first', 'third'])
})

it('goes on after a failure, which only its own caller hears', async () => {
  const queue = new SerialQueue()
  const failure = new Error('failure')
  const failing = queue.run(neverAborted(), () => Promise.reject(failure))
  const throwing = queue.run(neverAborted(), () => {
    throw failure
  })
  const next = queue.run(neverAborted(), () => Promise.resolve('next'))
  await expect(failing).rejects.toBe(failure)
  await expect(throwing).rejects.toBe(failure)
  expect(await next).toBe('next')
})
