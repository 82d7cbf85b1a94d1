/** A promise that a caller may stop waiting for. */
import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import { abortable, createDeferred, neverAborted } from '../../../packages/sdk/src/shared/index.js'

it('settles as the promise does when nobody aborts', async () => {
  const failure = new Error('failure')
  expect(await abortable(Promise.resolve(1), neverAborted())).toBe(1)
  await expect(abortable(Promise.reject(failure), neverAborted())).rejects.toBe(failure)
})

it('rejects at once with the very reason of the abort', async () => {
  const caller = new AbortController()
  const waiting = abortable(createDeferred<never>().promise, caller.signal)
  const reason = { any: 'value' }
  caller.abort(reason)
  await expect(waiting).rejects.toBe(reason)
})

it('leaves no listener on the signal behind', async () => {
  const { signal } = new AbortController()
  await abortable(Promise.resolve(1), signal)
  await abortable(Promise.reject(new Error('failure')), signal).catch(() => undefined)
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
})

it('takes care of a promise that fails after the abort', async () => {
  // Vitest fails a run in which a rejection stays unhandled.
  const late = createDeferred<never>()
  await expect(abortable(late.promise, AbortSignal.abort('gone'))).rejects.toBe('gone')
  late.reject(new Error('nobody waits for this'))
  await new Promise((resolve) => setImmediate(resolve))
})
