/** A second placement beside one that is late: when it starts, who wins, what the other hears, and how often it may be. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { dispatch, HedgeBudget, hedgeDelay } from '../../../packages/sdk/src/router/index.js'
import {
  answer,
  elsewhere,
  estimate,
  everything,
  failWith,
  hang,
  planned,
  planOf,
  remote,
  request,
  setUp,
  wasm,
  webgpu,
} from './dispatching.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Ends so after some milliseconds, whether anybody waits or not. */
const after = (ms: number, end: () => Promise<unknown>) => () =>
  new Promise((resolve) => setTimeout(resolve, ms)).then(end)
const succeed = () => Promise.resolve(answer)

/** Dispatches and lets all time pass that it needs. */
async function settle(...args: Parameters<typeof dispatch<'tensors'>>) {
  const running = Promise.allSettled([dispatch(...args)])
  await vi.runAllTimersAsync()
  const [ended] = await running
  return ended
}

describe('a late placement', () => {
  it('gets the next one of another engine beside it, and the first answer wins', async () => {
    const { context, asked, hedged, ends, told, tried } = setUp(
      { webgpu: after(1000, succeed), remote: after(50, succeed) },
      { hedge: {} },
    )
    expect(await settle(planOf(everything), request, context)).toMatchObject({
      value: { placement: remote, attempts: [] },
    })
    // Not the device's other backend: it would wait behind the same queue.
    expect(asked).toEqual(['webgpu', 'remote'])
    expect(hedged).toEqual([['webgpu', 'remote']])
    expect(ends()).toEqual([
      ['remote', 'answered'],
      ['webgpu', 'cancelled'],
    ])
    expect(tried.map(({ isHedge }) => isHedge)).toEqual([true, false])
    expect(told).toEqual([])
  })

  it('wins when it answers first all the same, and the other is cancelled with an AbortError', async () => {
    let second: AbortSignal | undefined
    const { context, ends } = setUp(
      {
        webgpu: after(120, succeed),
        remote: (signal) => {
          second = signal
          return hang()
        },
      },
      { hedge: {} },
    )
    expect(await settle(planOf(everything), request, context)).toMatchObject({ value: { placement: webgpu } })
    expect(second?.reason).toMatchObject({ name: 'AbortError' })
    expect(ends()).toEqual([
      ['webgpu', 'answered'],
      ['remote', 'cancelled'],
    ])
  })

  it.each(['webgpu', 'remote'] as const)('leaves the other to go on when %s fails', async (name) => {
    const { context, told } = setUp(
      { webgpu: after(300, succeed), remote: after(300, succeed), [name]: after(150, failWith('RUN_FAILED')) },
      { hedge: {} },
    )
    const other = name === 'webgpu' ? remote : webgpu
    expect(await settle(planOf(everything), request, context)).toMatchObject({
      value: { placement: other, attempts: [{ code: 'RUN_FAILED' }] },
    })
    expect(told).toMatchObject([{ code: 'RUN_FAILED' }])
  })

  it('leaves the plan to go on behind both when both fail', async () => {
    const { context, asked, told } = setUp(
      { webgpu: after(150, failWith('RUN_FAILED')), remote: after(150, failWith('REMOTE_FAILED')) },
      { hedge: {} },
    )
    expect(await settle(planOf(everything), request, context)).toMatchObject({ value: { placement: wasm } })
    expect(asked).toEqual(['webgpu', 'remote', 'wasm'])
    expect(told.map(({ code }) => code)).toEqual(['RUN_FAILED', 'REMOTE_FAILED'])
  })

  it('ends the request when either failure is final, and cancels the other', async () => {
    const { context, ends } = setUp({ webgpu: hang, remote: failWith('INVALID_INPUT') }, { hedge: {} })
    expect(await settle(planOf(everything), request, context)).toMatchObject({ reason: { code: 'INVALID_INPUT' } })
    expect(ends()).toEqual([
      ['remote', 'INVALID_INPUT'],
      ['webgpu', 'cancelled'],
    ])
  })

  it('may be an endpoint, and the one beside it another endpoint', async () => {
    const { context, hedged } = setUp({ remote: hang }, { hedge: {} })
    expect(await settle(planOf([remote, elsewhere]), request, context)).toMatchObject({
      value: { placement: elsewhere },
    })
    expect(hedged).toEqual([['remote', 'elsewhere']])
  })
})

describe('nothing starts beside a placement', () => {
  const slow = { webgpu: after(1000, succeed), remote: after(1000, succeed) }

  it('that answers, or fails, in time', async () => {
    const { context, hedged, asked } = setUp({ webgpu: after(99, failWith('GPU_LOST')) }, { hedge: {} })
    await settle(planOf(everything), request, context)
    expect([hedged, asked]).toEqual([[], ['webgpu', 'wasm']])
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([
    ['whose own times are not known', { delayMs: () => undefined }],
    ['when the share is used up', { mayHedge: () => false }],
  ])('%s', async (_name, hedge) => {
    const { context, asked } = setUp(slow, { hedge })
    expect(await settle(planOf(everything), request, context)).toMatchObject({ value: { placement: webgpu } })
    expect(asked).toEqual(['webgpu'])
  })

  it('when policy leaves no other engine, and none of the share is used up', async () => {
    const mayHedge = vi.fn(() => true)
    const { context, asked } = setUp(slow, { hedge: { mayHedge } })
    const engines = { ...context.engines, remotes: new Map<string, never>() }
    await settle(planOf(everything), request, { ...context, engines })
    expect(asked).toEqual(['webgpu'])
    expect(mayHedge).not.toHaveBeenCalled()
  })

  it('at a placement that may not be asked for it, and none of the share is used up', async () => {
    const mayHedge = vi.fn(() => true)
    const { context, asked } = setUp({ webgpu: after(1000, succeed) }, { hedge: { mayHedge, mayAsk: () => false } })
    expect(await settle(planOf(everything), request, context)).toMatchObject({ value: { placement: webgpu } })
    expect(asked).toEqual(['webgpu'])
    expect(mayHedge).not.toHaveBeenCalled()
  })

  it('that would have to be loaded first', async () => {
    const { context, asked } = setUp(slow, { hedge: {} })
    await settle(planOf([remote, planned(webgpu, { readiness: 'cached' })]), request, context)
    expect(asked).toEqual(['remote'])
  })
})

describe('both of a pair', () => {
  it.each([
    ['the caller aborts', Infinity, 'aborted'],
    ['the deadline passes', 150, 'DEADLINE_EXCEEDED'],
  ])('end when %s', async (_name, deadlineMs, outcome) => {
    const caller = new AbortController()
    const { context, ends } = setUp({ webgpu: hang, remote: hang }, { hedge: {}, deadlineMs, signal: caller.signal })
    const running = Promise.allSettled([dispatch(planOf(everything), request, context)])
    await vi.advanceTimersByTimeAsync(200)
    caller.abort('gone')
    const [ended] = await running
    if (deadlineMs === Infinity) expect(ended).toMatchObject({ reason: 'gone' })
    else expect(ended).toMatchObject({ reason: { code: outcome, details: { attempts: [{}, {}] } } })
    expect(ends()).toEqual([
      ['webgpu', outcome],
      ['remote', outcome],
    ])
  })
})

describe('how long is waited', () => {
  it("is the placement's own 95th percentile, and no less than 20 ms", () => {
    expect(hedgeDelay(planned(webgpu))).toBe(100)
    const quick = { ...estimate, totalMs: { typical: 1, high: 3 } }
    expect(hedgeDelay(planned(webgpu, { estimate: quick }))).toBe(20)
  })

  it.each([
    ['an assumption', { estimate: { ...estimate, basis: 'assumed' as const } }],
    ['four runs', { estimate: { ...estimate, samples: 4 } }],
    ['a placement that is not ready', { readiness: 'loading' as const }],
  ])('is not known of %s', (_name, change) => {
    expect(hedgeDelay(planned(remote, change))).toBeUndefined()
  })
})

describe('the budget', () => {
  it('never lets through more than its share and three, and in the long run its share', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(share, fc.array(fc.boolean(), { maxLength: 300 }), (part, wants) => {
        const budget = new HedgeBudget(part)
        let hedges = 0
        wants.forEach((wantsHedge, index) => {
          budget.countRequest()
          if (wantsHedge && budget.take()) hedges += 1
          expect(hedges).toBeLessThanOrEqual(part * (index + 1) + 3)
        })
      }),
    )
    const budget = new HedgeBudget(0.05)
    let hedges = 0
    for (let count = 0; count < 10_000; count += 1) {
      budget.countRequest()
      if (budget.take()) hedges += 1
    }
    expect(hedges).toBeGreaterThanOrEqual(500)
    expect(hedges).toBeLessThanOrEqual(503)
  })

  it('of nothing lets nothing through', () => {
    const budget = new HedgeBudget(0)
    budget.countRequest()
    expect(budget.take()).toBe(false)
  })
})
