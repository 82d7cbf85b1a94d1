/** A text finds the cache of the one it goes on from, and no cache is trusted after a failure. */
import { describe, expect, it } from 'vitest'
import { prefillTokens } from '../../../packages/sdk/src/generation/cached-sequence.js'
import { SequencePool } from '../../../packages/sdk/src/generation/sequence-pool.js'
import { FakeModel } from './support/fake-model.js'

const never = new AbortController().signal
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => (from + at) % 200)

async function prefilled(pool: SequencePool, ids: readonly number[]) {
  const sequence = await pool.borrow(ids, never)
  await sequence.prefill(ids, never)
  pool.giveBack(sequence)
  return sequence
}

describe('SequencePool', () => {
  it('takes the free sequence with the longest common beginning, and runs only the rest', async () => {
    const model = new FakeModel()
    const pool = new SequencePool(model, 2)
    const first = await prefilled(pool, range(0, 40))
    const second = await prefilled(pool, range(100, 140))
    model.appended.length = 0
    expect(await prefilled(pool, [...range(0, 40), 1, 2, 3])).toBe(first)
    expect(await prefilled(pool, [...range(100, 130), 5])).toBe(second)
    expect(model.appended).toEqual([3, 1])
    expect(model.live.size).toBe(2)
  })

  it('runs the last token of a prompt that is in the cache whole', async () => {
    const model = new FakeModel()
    const pool = new SequencePool(model, 2)
    await prefilled(pool, range(0, 10))
    await prefilled(pool, range(0, 10))
    await prefilled(pool, range(0, 4))
    expect(model.appended).toEqual([10, 1, 1])
  })

  it('lets the least recently used cache go', async () => {
    const pool = new SequencePool(new FakeModel(), 2)
    const [first, second] = [await prefilled(pool, range(0, 10)), await prefilled(pool, range(50, 60))]
    await prefilled(pool, range(0, 10))
    expect(await prefilled(pool, range(90, 95))).toBe(second)
    expect(await prefilled(pool, range(150, 160))).toBe(first)
  })

  it('waits while all are lent; an abort takes the turn of nobody', async () => {
    const pool = new SequencePool(new FakeModel(), 1)
    const lent = await pool.borrow([1], never)
    const controller = new AbortController()
    const impatient = pool.borrow([1], controller.signal)
    const patient = pool.borrow([1], never)
    controller.abort(new Error('enough'))
    await expect(impatient).rejects.toThrow('enough')
    pool.giveBack(lent)
    expect(await patient).toBe(lent)
  })

  it('frees a sequence whose run failed, and keeps one whose run was aborted', async () => {
    let fails = true
    const controller = new AbortController()
    const model = new FakeModel({
      onAppend: (ids) => {
        if (ids.length === 2) controller.abort(new Error('enough'))
        if (ids.length === 3 && fails) throw new Error('broken')
      },
    })
    const pool = new SequencePool(model, 1)
    const sequence = await prefilled(pool, range(0, 10))
    expect(await pool.borrow(range(0, 12), never)).toBe(sequence)
    await expect(sequence.prefill(range(0, 12), controller.signal)).rejects.toThrow('enough')
    expect(sequence.ids).toEqual(range(0, 10))
    await expect(sequence.prefill(range(0, 13), never)).rejects.toThrow('broken')
    pool.giveBack(sequence)
    expect(model.live.size).toBe(0)
    fails = false
    await prefilled(pool, range(0, 13))
    expect(model.live.size).toBe(1)
  })

  it('runs a long prompt in pieces, between which an abort ends it, and goes on from them later', async () => {
    const controller = new AbortController()
    const model = new FakeModel({
      contextLength: 2000,
      onAppend: () => {
        if (model.appended.length === 1) queueMicrotask(() => controller.abort(new Error('enough')))
      },
    })
    const pool = new SequencePool(model, 1)
    const ids = range(0, prefillTokens * 3 + 10)
    const sequence = await pool.borrow(ids, never)
    await expect(sequence.prefill(ids, controller.signal)).rejects.toThrow('enough')
    const done = sequence.ids.length
    expect(done % prefillTokens).toBe(0)
    pool.giveBack(sequence)
    model.appended.length = 0
    await prefilled(pool, ids)
    expect(model.appended.reduce((sum, count) => sum + count, 0)).toBe(ids.length - done)
  })

  it('fails who waits when it is disposed, and frees all, also what comes back later', async () => {
    const model = new FakeModel()
    const pool = new SequencePool(model, 1)
    const lent = await pool.borrow([1], never)
    const waiting = pool.borrow([1], never)
    pool.dispose()
    await expect(waiting).rejects.toMatchObject({ name: 'EdgewardError', code: 'DISPOSED' })
    pool.giveBack(lent)
    expect(model.live.size).toBe(0)
  })
})
