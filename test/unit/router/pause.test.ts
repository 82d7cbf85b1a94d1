/** Letting time pass: until then, or until somebody aborts, and nothing is left behind. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { pause } from '../../../packages/sdk/src/router/pause.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it.each(['time passes', 'the signal aborts', 'the signal has aborted before'])(
  'a pause ends when %s, and neither timer nor listener is left',
  async (end) => {
    const controller = new AbortController()
    const added = vi.spyOn(controller.signal, 'addEventListener')
    const removed = vi.spyOn(controller.signal, 'removeEventListener')
    if (end === 'the signal has aborted before') controller.abort()
    const paused = pause(100, controller.signal)
    if (end === 'time passes') vi.advanceTimersByTime(100)
    if (end === 'the signal aborts') controller.abort()
    await paused
    expect(vi.getTimerCount()).toBe(0)
    for (const [name, listener] of added.mock.calls) expect(removed).toHaveBeenCalledWith(name, listener)
  },
)
