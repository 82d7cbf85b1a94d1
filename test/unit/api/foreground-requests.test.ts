/** The worker hears of requests that need the network only when that changes something for a download. */
import { expect, it, vi } from 'vitest'
import { ForegroundRequests } from '../../../packages/sdk/src/api/foreground-requests.js'
import { createDeferred } from '../../../packages/sdk/src/shared/index.js'

function create() {
  const tell = vi.fn<(requests: number) => void>()
  const requests = new ForegroundRequests(tell)
  return { requests, told: () => tell.mock.calls.map(([count]) => count) }
}

it('tells nothing while nothing is downloaded in the background', async () => {
  const { requests, told } = create()
  expect(await requests.during(() => Promise.resolve('answer'))).toBe('answer')
  expect(told()).toEqual([])
})

it('tells only the first of several requests, and the end of the last, whether they go well or not', async () => {
  const { requests, told } = create()
  const [load, first, second] = [createDeferred<void>(), createDeferred<void>(), createDeferred<void>()]
  const loading = requests.whileLoading(() => load.promise)
  const running = requests.during(() => first.promise)
  const failing = requests.during(() => second.promise)
  expect(told()).toEqual([1])
  first.resolve()
  await running
  expect(told()).toEqual([1])
  second.reject(new Error('no answer'))
  await expect(failing).rejects.toThrow('no answer')
  expect(told()).toEqual([1, 0])
  load.resolve()
  await loading
})

it('a download that begins while requests are under way is told of them, and of their end', async () => {
  const { requests, told } = create()
  const answer = createDeferred<void>()
  const both = [requests.during(() => answer.promise), requests.during(() => answer.promise)]
  const load = createDeferred<void>()
  const loading = requests.whileLoading(() => load.promise)
  expect(told()).toEqual([2])
  load.resolve()
  await loading
  answer.resolve()
  await Promise.all(both)
  // Whatever else is downloaded must not be held back for ever.
  expect(told()).toEqual([2, 0])
})
