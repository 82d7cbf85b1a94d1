/** Writes run beside the download, and the memory that they hold is bounded. */
import { expect, test } from 'vitest'
import { createDeferred } from '../../../packages/sdk/src/shared/index.js'
import { PendingWrites } from '../../../packages/sdk/src/weights/pending-writes.js'

/** Writes of given sizes, started in order; each ends when the test says so. */
function startAll(writes: PendingWrites, sizes: readonly number[]) {
  const started: number[] = []
  const ends = sizes.map(() => createDeferred<undefined>())
  const starts = sizes.map((bytes, index) =>
    writes.start(bytes, () => {
      started.push(index)
      return ends[index]?.promise ?? Promise.resolve()
    }),
  )
  return { started, starts, end: (index: number) => ends[index]?.resolve(undefined) }
}

test('starts what there is room for, and the rest as room comes', async () => {
  const { started, starts, end } = startAll(new PendingWrites(10), [6, 4, 5, 5])
  await starts[1]
  expect(started).toEqual([0, 1])
  end(0)
  await starts[2]
  expect(started).toEqual([0, 1, 2])
  end(1)
  end(2)
  await starts[3]
  expect(started).toEqual([0, 1, 2, 3])
})

test('starts a write that is larger than the bound when it is alone', async () => {
  const { started, starts, end } = startAll(new PendingWrites(10), [3, 99])
  await starts[0]
  expect(started).toEqual([0])
  end(0)
  await starts[1]
  expect(started).toEqual([0, 1])
})

test('is settled when the writes of before have ended, however many begin meanwhile', async () => {
  const writes = new PendingWrites(10)
  const { starts, end } = startAll(writes, [1])
  await Promise.all(starts)
  const settled = writes.settled()
  const later = startAll(writes, [1])
  await Promise.all(later.starts)
  end(0)
  await settled
  later.end(0)
})

test('is settled when the last write has ended', async () => {
  const writes = new PendingWrites(10)
  const { starts, end } = startAll(writes, [1, 1])
  await Promise.all(starts)
  let isSettled = false
  const settled = writes.settled().then(() => (isSettled = true))
  end(0)
  await starts[0]
  expect(isSettled).toBe(false)
  end(1)
  await settled
  expect(isSettled).toBe(true)
})
