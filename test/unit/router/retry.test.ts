/** Endpoints are asked again when nobody else has answered: which, how often, after how long, and at what cost. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { EdgewardError, type ErrorCode, type ErrorDetails } from '../../../packages/sdk/src/errors/index.js'
import { dispatch, RetryBudget } from '../../../packages/sdk/src/router/index.js'
import { retryDelayMs } from '../../../packages/sdk/src/router/retry.js'
import { elsewhere, failWith, inTurn, planned, planOf, remote, request, setUp, succeed, webgpu } from './dispatching.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const refuse =
  (code: ErrorCode, details: ErrorDetails = {}) =>
  () =>
    Promise.reject(new EdgewardError(code, code, { details }))
const overloaded = refuse('REMOTE_OVERLOADED', { status: 503 })
const unreachable = refuse('REMOTE_UNREACHABLE', { reason: 'network' })

/** Dispatches and lets all time pass that it needs. */
async function settle(...args: Parameters<typeof dispatch<'tensors'>>) {
  const running = Promise.allSettled([dispatch(...args)])
  await vi.runAllTimersAsync()
  const [ended] = await running
  return ended
}

describe('an endpoint that failed for a moment', () => {
  it('is asked again when nobody else is left, and the attempts tell it', async () => {
    const { context, asked, told, retried } = setUp(
      { remote: inTurn(unreachable, unreachable, succeed) },
      { retry: {} },
    )
    expect(await settle(planOf([remote]), request, context)).toMatchObject({
      value: { placement: remote, attempts: [{ code: 'REMOTE_UNREACHABLE' }, { code: 'REMOTE_UNREACHABLE' }] },
    })
    expect(asked).toEqual(['remote', 'remote', 'remote'])
    expect(retried).toEqual([
      ['remote', 50],
      ['remote', 100],
    ])
    expect(told).toHaveLength(2)
  })

  it('comes after every other placement, and after a replay', async () => {
    const { context, asked } = setUp(
      { remote: inTurn(overloaded, succeed), webgpu: failWith('GPU_LOST'), elsewhere: failWith('REMOTE_FAILED') },
      { retry: {} },
    )
    expect(await settle(planOf([remote, webgpu, elsewhere]), request, context)).toMatchObject({
      value: { placement: remote },
    })
    expect(asked).toEqual(['remote', 'webgpu', 'elsewhere', 'webgpu', 'remote'])
  })

  it('is asked before another one whose delay is longer', async () => {
    const { context, retried } = setUp({ remote: overloaded, elsewhere: inTurn(unreachable, succeed) }, { retry: {} })
    await settle(planOf([remote, elsewhere]), request, context)
    expect(retried).toEqual([['elsewhere', 50]])
  })

  it('is asked three times in all, and one that is alone keeps its code', async () => {
    const { context, asked } = setUp({ remote: overloaded }, { retry: {} })
    expect(await settle(planOf([remote]), request, context)).toMatchObject({
      reason: { code: 'REMOTE_OVERLOADED', details: { status: 503, attempts: [{}, {}, {}] } },
    })
    expect(asked).toHaveLength(3)
  })

  it('is not asked again without leave: of a context that has none, of its breaker, of the budget', async () => {
    const poor = new RetryBudget()
    while (poor.take(true) !== undefined);
    for (const retry of [undefined, { mayRetry: () => false }, { budget: poor }]) {
      const { context, asked } = setUp({ remote: overloaded }, retry && { retry })
      expect(await settle(planOf([remote]), request, context)).toMatchObject({ reason: { code: 'REMOTE_OVERLOADED' } })
      expect(asked).toEqual(['remote'])
    }
  })
})

describe('how often an endpoint is asked after', () => {
  it.each<[number, ErrorCode, ErrorDetails]>([
    [3, 'REMOTE_UNREACHABLE', {}],
    [3, 'REMOTE_UNREACHABLE', { reason: 'refused' }],
    [3, 'REMOTE_OVERLOADED', { status: 429 }],
    [3, 'REMOTE_REJECTED', { status: 408 }],
    [3, 'REMOTE_REJECTED', { status: 425 }],
    [3, 'REMOTE_FAILED', { status: 502 }],
    [3, 'REMOTE_FAILED', { status: 504 }],
    [2, 'REMOTE_FAILED', { status: 500 }],
    [2, 'REMOTE_UNREACHABLE', { reason: 'timeout' }],
    [1, 'REMOTE_UNREACHABLE', { reason: 'offline' }],
    [1, 'REMOTE_UNREACHABLE', { reason: 'cors' }],
    [1, 'REMOTE_UNREACHABLE', { reason: 'permission' }],
    [1, 'REMOTE_FAILED', { status: 501 }],
    [1, 'REMOTE_REJECTED', { status: 400 }],
    [1, 'REMOTE_NOT_FOUND', { status: 404 }],
    [1, 'REMOTE_UNAUTHORIZED', { status: 401 }],
    [1, 'REMOTE_MALFORMED', { status: 200 }],
    [1, 'INTERNAL', {}],
  ])('%i: %s %j', async (times, code, details) => {
    const { context, asked } = setUp({ remote: refuse(code, details) }, { retry: {} })
    await settle(planOf([remote]), request, context)
    expect(asked).toHaveLength(times)
  })

  it('on the device nothing is, whatever its failure', async () => {
    const { context, asked } = setUp({ webgpu: failWith('QUEUE_FULL') }, { retry: {} })
    await settle(planOf([webgpu]), request, context)
    expect(asked).toEqual(['webgpu'])
  })
})

describe('the delay', () => {
  const throttled = (retryAfterMs?: number) =>
    new EdgewardError('REMOTE_OVERLOADED', '', { details: retryAfterMs === undefined ? {} : { retryAfterMs } })
  const broken = new EdgewardError('REMOTE_UNREACHABLE', '')

  it('is full jitter over 50 ms, or over 1 s after a refusal for load, doubled each time, up to 20 s', () => {
    expect([0, 1, 2].map((retries) => retryDelayMs(broken, retries, 1))).toEqual([50, 100, 200])
    expect([0, 1, 2].map((retries) => retryDelayMs(throttled(), retries, 0.5))).toEqual([500, 1000, 2000])
    expect(retryDelayMs(throttled(), 30, 1)).toBe(20_000)
    expect(retryDelayMs(broken, 5, 0)).toBe(0)
  })

  it('is what the endpoint asks for, when that is longer by five seconds at most', () => {
    expect(retryDelayMs(throttled(3_000), 0, 0.5)).toBe(3_000)
    expect(retryDelayMs(throttled(60_000), 0, 0.5)).toBe(5_500)
    expect(retryDelayMs(throttled(100), 0, 0.5)).toBe(500)
  })

  it('is not waited for when the deadline is over before it', async () => {
    const { context, asked } = setUp({ remote: overloaded }, { retry: {}, deadlineMs: 900 })
    const startedAt = performance.now()
    const ended = Promise.allSettled([dispatch(planOf([remote]), request, context)])
    await vi.advanceTimersByTimeAsync(0)
    expect(await ended).toMatchObject([{ reason: { code: 'REMOTE_OVERLOADED' } }])
    expect(performance.now()).toBe(startedAt)
    expect(asked).toEqual(['remote'])
  })

  it('ends with the abort of the caller, with its very reason and without a timer left', async () => {
    const caller = new AbortController()
    const { context, asked } = setUp({ remote: overloaded }, { retry: {}, signal: caller.signal })
    const ended = Promise.allSettled([dispatch(planOf([remote]), request, context)])
    await vi.advanceTimersByTimeAsync(10)
    caller.abort('gone')
    expect(await ended).toMatchObject([{ reason: 'gone' }])
    expect(asked).toEqual(['remote'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is counted from the failure: what others took is part of it', async () => {
    const slow = () => new Promise((resolve) => setTimeout(resolve, 400)).then(failWith('RUN_FAILED'))
    const { context, retried } = setUp({ remote: inTurn(overloaded, succeed), webgpu: slow }, { retry: {} })
    await settle(planOf([remote, planned(webgpu)]), request, context)
    expect(retried).toEqual([['remote', 600]])
  })
})

describe('the budget', () => {
  it('lets 35 retries in a row through, or 100 after refusals for load, and then none', () => {
    for (const [isThrottled, most] of [
      [false, 35],
      [true, 100],
    ] as const) {
      const budget = new RetryBudget()
      let retries = 0
      while (budget.take(isThrottled) !== undefined) retries += 1
      expect(retries).toBe(most)
    }
  })

  it('gets back what a retry cost that was answered, and one for each other answer', async () => {
    const budget = new RetryBudget()
    const take = vi.spyOn(budget, 'take')
    const answered = vi.spyOn(budget, 'answered')
    const retrying = setUp({ remote: inTurn(overloaded, succeed) }, { retry: { budget } })
    await settle(planOf([remote]), request, retrying.context)
    expect(take.mock.calls).toEqual([[true]])
    expect(answered.mock.calls).toEqual([[5]])
    await settle(planOf([remote]), request, setUp({}, { retry: { budget } }).context)
    expect(answered).toHaveBeenLastCalledWith(undefined)
  })

  it('never gives more than it had and was given back, and never holds more than at first', () => {
    const step = fc.oneof(fc.constantFrom('transient', 'throttled'), fc.constant('answer'))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 2_000 }), (steps) => {
        const budget = new RetryBudget()
        let given = 0
        let answers = 0
        for (const each of steps) {
          if (each === 'answer') {
            budget.answered()
            answers += 1
          } else given += budget.take(each === 'throttled') ?? 0
        }
        expect(given).toBeLessThanOrEqual(500 + answers)
        let rest = 0
        for (let spent = budget.take(true); spent !== undefined; spent = budget.take(true)) rest += spent
        expect(rest).toBeLessThanOrEqual(500)
      }),
    )
  })
})
