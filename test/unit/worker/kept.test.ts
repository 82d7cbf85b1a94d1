/** What is loaded once for all who ask, and kept. */
import { expect, test, vi } from 'vitest'
import { createDeferred } from '../../../packages/sdk/src/shared/index.js'
import { Kept } from '../../../packages/sdk/src/worker/kept.js'

const never = new AbortController().signal

test('what has come is loaded once, for those who ask meanwhile and afterwards', async () => {
  const kept = new Kept<string, string[]>()
  const load = vi.fn(() => Promise.resolve(['bytes']))
  const [one, other] = await Promise.all([kept.get('vocabulary', never, load), kept.get('vocabulary', never, load)])
  expect(other).toBe(one)
  expect(await kept.get('vocabulary', never, load)).toBe(one)
  expect(load).toHaveBeenCalledOnce()
})

test('a failure is not kept', async () => {
  const kept = new Kept<string, string[]>()
  await expect(kept.get('vocabulary', never, () => Promise.reject(new Error('no network')))).rejects.toThrow()
  expect(await kept.get('vocabulary', never, () => Promise.resolve(['bytes']))).toEqual(['bytes'])
})

test('one who goes does not take the load from another; the last one who goes ends it', async () => {
  const kept = new Kept<string, string[]>()
  const [first, last, coming] = [new AbortController(), new AbortController(), createDeferred<string[]>()]
  let loading = never
  const load = (signal: AbortSignal) => {
    loading = signal
    return coming.promise
  }
  const asked = [kept.get('vocabulary', first.signal, load), kept.get('vocabulary', last.signal, load)]
  const ends = Promise.allSettled(asked)
  first.abort('first')
  expect(loading.aborted).toBe(false)
  last.abort('last')
  expect(loading.reason).toBe('last')
  expect(await ends).toMatchObject([{ reason: 'first' }, { reason: 'last' }])
  expect(await kept.get('vocabulary', never, () => Promise.resolve(['again']))).toEqual(['again'])
})
