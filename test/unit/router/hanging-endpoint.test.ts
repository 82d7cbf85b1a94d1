/** An endpoint that does not answer while the device gets ready: when the device is asked too, and what that costs. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Placement } from '../../../packages/sdk/src/contract/index.js'
import { dispatch, type DispatchContext } from '../../../packages/sdk/src/router/index.js'
import { createDeferred } from '../../../packages/sdk/src/shared/index.js'
import {
  answer,
  estimate,
  failWith,
  hang,
  planned,
  planOf,
  remote,
  request,
  setUp,
  succeed,
  wasm,
  webgpu,
  type Behaviour,
  type Name,
} from './dispatching.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const unmeasured = { estimate: { ...estimate, basis: 'assumed', samples: 0 } } as const
const firstVisit = planOf([
  planned(remote, unmeasured),
  planned(webgpu, { readiness: 'loading' }),
  planned(wasm, { readiness: 'absent' }),
])

/** A device whose placement is ready when the test says so, and whether hedges may still be made. */
function visit(behaviours: Partial<Record<Name, Behaviour>>, mayHedge: () => boolean = () => true) {
  const ready = createDeferred<Placement>()
  const becameReady = vi.fn<NonNullable<NonNullable<DispatchContext['hedge']>['becameReady']>>(() => ready.promise)
  const hedge = { delayMs: () => undefined, mayHedge, becameReady }
  const set = setUp(behaviours, { hedge })
  const start = (plan = firstVisit) => {
    const state: { result?: unknown } = {}
    void dispatch(plan, request, set.context).then(
      (result) => (state.result = result),
      (error: unknown) => (state.result = error),
    )
    return state
  }
  return { ...set, becameReady, ready: (placement: Placement) => ready.resolve(placement), start }
}

describe('while an endpoint that was never measured hangs', () => {
  it('the device answers as soon as it is ready and two seconds are over', async () => {
    const { start, ready, asked, hedged, ends, tried } = visit({ remote: hang })
    const state = start()
    ready(webgpu)
    await vi.advanceTimersByTimeAsync(1_999)
    expect(asked).toEqual(['remote'])
    await vi.advanceTimersByTimeAsync(1)
    expect(state.result).toMatchObject({ placement: webgpu, attempts: [] })
    expect(hedged).toEqual([['remote', 'webgpu']])
    expect(ends()).toEqual([
      ['webgpu', 'answered'],
      ['remote', 'cancelled'],
    ])
    expect(tried.map(({ isHedge }) => isHedge)).toEqual([true, false])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('the device answers at the moment at which it gets ready, and it is asked for all that could', async () => {
    const { start, ready, becameReady } = visit({ remote: hang })
    const state = start()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(state.result).toBeUndefined()
    expect(becameReady.mock.calls[0]?.[0]).toEqual([webgpu, wasm])
    ready(wasm)
    await vi.advanceTimersByTimeAsync(0)
    expect(state.result).toMatchObject({ placement: wasm })
  })

  it('the share of hedges counts for five seconds, and then no more', async () => {
    const mayHedge = vi.fn(() => false)
    const { start, ready, asked } = visit({ remote: hang }, mayHedge)
    const state = start()
    ready(webgpu)
    await vi.advanceTimersByTimeAsync(4_999)
    expect(asked).toEqual(['remote'])
    await vi.advanceTimersByTimeAsync(1)
    expect(state.result).toMatchObject({ placement: webgpu })
    expect(mayHedge).toHaveBeenCalledOnce()
  })

  it('none of the share is used up when the device gets ready after five seconds', async () => {
    const mayHedge = vi.fn(() => true)
    const { start, ready } = visit({ remote: hang }, mayHedge)
    const state = start()
    await vi.advanceTimersByTimeAsync(6_000)
    ready(webgpu)
    await vi.advanceTimersByTimeAsync(0)
    expect(state.result).toMatchObject({ placement: webgpu })
    expect(mayHedge).not.toHaveBeenCalled()
  })
})

describe('the device is not asked', () => {
  it('when the endpoint answers in time; and nobody waits for the device any more', async () => {
    const late = () => new Promise((resolve) => setTimeout(() => resolve(answer), 2_500))
    const { start, becameReady, asked } = visit({ remote: late })
    const state = start()
    await vi.advanceTimersByTimeAsync(2_500)
    expect(state.result).toMatchObject({ placement: remote })
    expect(becameReady.mock.calls[0]?.[1].aborted).toBe(true)
    expect(asked).toEqual(['remote'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('when the endpoint fails: then it is its turn', async () => {
    const { start, becameReady } = visit({ remote: failWith('REMOTE_FAILED'), webgpu: succeed })
    const state = start()
    await vi.advanceTimersByTimeAsync(0)
    expect(state.result).toMatchObject({ placement: webgpu, attempts: [{ code: 'REMOTE_FAILED' }] })
    expect(becameReady).not.toHaveBeenCalled()
  })

  it('for what only late endpoints that were measured cost, when the share is used up', async () => {
    const { start, ready, asked } = visit({ remote: hang }, () => false)
    const state = start(planOf([remote, planned(webgpu, { readiness: 'loading' })]))
    ready(webgpu)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(state.result).toBeUndefined()
    expect(asked).toEqual(['remote'])
  })
})

it('an endpoint that was measured is late after the time that it keeps in 95 of 100 cases', async () => {
  const { start, ready, asked } = visit({ remote: hang })
  const state = start(planOf([remote, planned(webgpu, { readiness: 'loading' })]))
  ready(webgpu)
  await vi.advanceTimersByTimeAsync(99)
  expect(asked).toEqual(['remote'])
  await vi.advanceTimersByTimeAsync(1)
  expect(state.result).toMatchObject({ placement: webgpu })
})
