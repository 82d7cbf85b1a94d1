/** A start of the runtime ends, one way or the other. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { StartSteps } from '../../../packages/sdk/src/worker/start-steps.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const never = () => new Promise<never>(() => undefined)

it('a start that hangs after its files have come fails, and says where it hangs', async () => {
  const steps = new StartSteps(30_000)
  await steps.take('script', Promise.resolve())
  const hanging = steps.take('session', never())
  steps.filesCame()
  const failed = expect(hanging).rejects.toMatchObject({
    code: 'RUNTIME_FAILED',
    message: expect.stringContaining('hangs at its session') as string,
    details: { steps: ['session'], untrusted: true },
  })
  await vi.advanceTimersByTimeAsync(30_000)
  await failed
})

it('a download may take longer', async () => {
  const steps = new StartSteps(1_000)
  const settled = vi.fn()
  steps.take('binary', never()).then(settled, settled)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(settled).not.toHaveBeenCalled()
})

it('a start that has ended has no time limit left', async () => {
  const steps = new StartSteps(1_000)
  steps.filesCame()
  expect(await steps.take('session', Promise.resolve('started'))).toBe('started')
  steps.end()
  expect(vi.getTimerCount()).toBe(0)
})
