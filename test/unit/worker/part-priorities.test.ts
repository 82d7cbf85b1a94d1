/** Parts that several loads share are hastened by the one that somebody waits for, and nothing else is. */
import { expect, it } from 'vitest'
import { createDeferred } from '../../../packages/sdk/src/shared/index.js'
import { ForegroundGate, LowPriority } from '../../../packages/sdk/src/weights/index.js'
import { PartPriorities } from '../../../packages/sdk/src/worker/part-priorities.js'
import type { LoadListener } from '../../../packages/sdk/src/worker/worker-model.js'

function startLow() {
  const whole = new LowPriority(new ForegroundGate())
  const parts = new PartPriorities()
  const [end, listening] = [createDeferred<string>(), createDeferred<LoadListener>()]
  const loaded = parts.load('tokenizer', { priority: whole }, (listener) => {
    listening.resolve(listener)
    return end.promise
  })
  return { whole, parts, end, loaded, listener: listening.promise }
}

it('whoever waits for a part has it hastened, and not the rest of its load', async () => {
  const { whole, parts, end, loaded, listener } = startLow()
  const { priority } = await listener
  parts.asked('dictionary', {})
  parts.asked('tokenizer', { priority: whole })
  expect(priority?.isLow).toBe(true)
  parts.asked('tokenizer', {})
  expect([priority?.isLow, whole.isLow]).toEqual([false, true])
  end.resolve('its bytes')
  expect(await loaded).toBe('its bytes')
})

it('a part whose load failed is loaded anew, at the priority of whoever asks then', async () => {
  const { parts, end, loaded } = startLow()
  end.reject(new Error('no network'))
  await expect(loaded).rejects.toThrow('no network')
  const listener: LoadListener = {}
  expect(await parts.load('tokenizer', listener, (given) => Promise.resolve(given))).toBe(listener)
})
