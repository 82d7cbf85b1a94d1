/** How the plan heeds placements of the device that rest after failures. */
import { describe, expect, it } from 'vitest'
import type { RestingPlacement } from '../../../packages/sdk/src/contract/index.js'
import type { PlanInput } from '../../../packages/sdk/src/router/index.js'
import { plan } from '../../../packages/sdk/src/router/plan.js'
import {
  endpoint,
  estimatesFrom,
  localOnly,
  manifestWith,
  orderOf,
  realGpu,
  remoteFirst,
  usualInput,
} from './inputs.js'

const manifest = manifestWith(
  { dtype: 'fp32', backends: ['webgpu', 'wasm'] },
  { dtype: 'q8', backends: ['webgpu', 'wasm'] },
)
/** WebGPU needs less memory than WASM, and q8 less than fp32. */
const estimators = estimatesFrom({
  'webgpu/fp32': { run: 10, memory: 600e6 },
  'wasm/fp32': { run: 30, memory: 800e6 },
  'webgpu/q8': { run: 20, memory: 150e6 },
  'wasm/q8': { run: 40, memory: 200e6 },
  [endpoint]: { run: 300 },
})
const allCached = new Map(['webgpu/fp32', 'wasm/fp32', 'webgpu/q8', 'wasm/q8'].map((name) => [name, 'cached'] as const))

const rest = (change: Partial<RestingPlacement> = {}): RestingPlacement => ({
  code: 'SESSION_FAILED',
  reason: 'no session could be made',
  remainingMs: 30_000,
  use: 'last',
  ...change,
})
const outOfMemory = rest({ code: 'OUT_OF_MEMORY', reason: 'std::bad_alloc' })
const killed = rest({
  code: 'WORKER_DIED',
  reason: 'the page was killed twice while this was loading',
  remainingMs: 40 * 60_000,
  use: 'never',
})

const planned = (resting: Readonly<Record<string, RestingPlacement>>, change: Partial<PlanInput> = {}) =>
  plan(
    {
      ...usualInput,
      ...{ manifest, capabilities: realGpu, readiness: allCached, policy: localOnly },
      resting: new Map(Object.entries(resting)),
      ...change,
    },
    estimators,
  )

describe('a placement of the device that rests', () => {
  it('comes behind everybody who is awake, with the reason', () => {
    const alone = planned({ 'webgpu/fp32': rest() })
    expect(orderOf(alone)).toEqual(['webgpu q8', 'wasm fp32', 'wasm q8', 'webgpu fp32'])
    expect(alone.shifts).toEqual(['what has just failed rests: it goes last'])
    expect(alone.placements.at(-1)?.reason).toContain(
      'rests for another 30 s after SESSION_FAILED: no session could be made; in the cache',
    )
    const withEndpoint = planned({ 'webgpu/fp32': rest() }, { policy: remoteFirst })
    expect(orderOf(withEndpoint).at(-1)).toBe('webgpu fp32')
    expect(orderOf(withEndpoint)[0]).toBe('remote')
  })

  it('also when it is ready, or the endpoint is loaded', () => {
    const readiness = new Map([...allCached, ['webgpu/fp32', 'ready'] as const])
    const spared = { endpoints: [{ endpoint, isSpared: true }], policy: usualInput.policy }
    const result = planned({ 'webgpu/fp32': rest() }, { ...spared, readiness })
    expect(orderOf(result).at(-1)).toBe('webgpu fp32')
  })

  it('still answers where nobody else can', () => {
    const every = { 'webgpu/fp32': rest(), 'wasm/fp32': rest(), 'webgpu/q8': rest(), 'wasm/q8': rest() }
    const result = planned(every)
    expect(orderOf(result)).toEqual(['webgpu fp32', 'webgpu q8', 'wasm fp32', 'wasm q8'])
    expect(result.shifts).toEqual([])
  })

  it('is neither made ready in the background nor measured again', () => {
    const fastest = { policy: { ...usualInput.policy, prefer: 'fastest' as const } }
    expect(planned({}, { policy: usualInput.policy }).prepareNext).toMatchObject({ backend: 'webgpu', variant: 'fp32' })
    const result = planned({ 'webgpu/fp32': rest() }, { policy: usualInput.policy })
    expect(result.prepareNext).toMatchObject({ backend: 'webgpu', variant: 'q8' })
    const ready = { readiness: new Map([['wasm/fp32', 'ready'] as const]), capabilities: usualInput.capabilities }
    const slow = estimatesFrom({ 'wasm/fp32': { run: 900 }, [endpoint]: { run: 100 } })
    const input = { ...usualInput, ...ready, ...fastest, manifest: manifestWith({ dtype: 'fp32', backends: ['wasm'] }) }
    expect(plan(input, slow).remeasure).toMatchObject({ backend: 'wasm' })
    expect(plan({ ...input, resting: new Map([['wasm/fp32', rest()]]) }, slow)).not.toHaveProperty('remeasure')
  })

  it('lets an endpoint whose rest is over be asked, since what rests is not there for it', () => {
    const over = { endpoint, isSpared: false, resting: { code: 'REMOTE_FAILED', remainingMs: 0 } } as const
    const change = {
      policy: usualInput.policy,
      endpoints: [over],
      readiness: new Map([['webgpu/fp32', 'cached'] as const]),
    }
    expect(orderOf(planned({ 'webgpu/fp32': rest() }, change))[0]).toBe('remote')
  })
})

describe('a placement that killed the page', () => {
  it('is ruled out, with what happened and when it is tried again', () => {
    const { placements, ruledOut } = planned({ 'wasm/fp32': killed })
    expect(placements.map(({ placement }) => placement)).not.toContainEqual(
      expect.objectContaining({ backend: 'wasm', variant: 'fp32' }),
    )
    expect(ruledOut).toContainEqual({
      placement: { engine: 'device', backend: 'wasm', variant: 'fp32' },
      code: 'WORKER_DIED',
      reason: 'the page was killed twice while this was loading; it is tried again in 40 min',
    })
  })

  it.each([
    [119_000, '119 s'],
    [119 * 60_000, '119 min'],
    [16 * 3_600_000, '16 h'],
    [30 * 86_400_000, '30 days'],
  ])('says %i ms as people do: %s', (remainingMs, words) => {
    const { ruledOut } = planned({ 'wasm/fp32': { ...killed, remainingMs } })
    expect(ruledOut[0]?.reason).toContain(`it is tried again in ${words}`)
  })

  it('rules out what takes as much memory or more: a smaller variant answers', () => {
    const { placements, ruledOut } = planned({ 'webgpu/fp32': killed })
    expect(placements.map(({ placement }) => 'variant' in placement && placement.variant)).toEqual(['q8', 'q8'])
    const wasm = ruledOut.find(({ placement }) => 'backend' in placement && placement.backend === 'wasm')
    expect(wasm).toMatchObject({
      code: 'WORKER_DIED',
      reason:
        'the page was killed twice while this was loading (webgpu/fp32, which takes no more memory); it is tried again in 40 min',
    })
  })

  it('leaves the endpoint to answer where there is nothing smaller', () => {
    expect(orderOf(planned({ 'webgpu/q8': killed }, { policy: usualInput.policy }))).toEqual(['remote'])
  })

  it('leaves a request that must not leave the device with the code and the reason', () => {
    const { placements, ruledOut } = planned({ 'webgpu/q8': killed })
    expect(placements).toEqual([])
    expect(new Set(ruledOut.filter(({ placement }) => 'backend' in placement).map(({ code }) => code))).toEqual(
      new Set(['WORKER_DIED']),
    )
  })
})

describe('a placement that ran out of memory', () => {
  it('puts what takes as much memory or more behind what takes less', () => {
    const result = planned({ 'webgpu/fp32': outOfMemory })
    expect(orderOf(result)).toEqual(['webgpu q8', 'wasm q8', 'webgpu fp32', 'wasm fp32'])
    expect(result.placements.at(-1)?.reason).toContain(
      'after OUT_OF_MEMORY: std::bad_alloc (webgpu/fp32, which takes no more memory)',
    )
  })

  it('says nothing of what is ready, which has found its room', () => {
    const readiness = new Map([...allCached, ['wasm/fp32', 'ready'] as const])
    expect(orderOf(planned({ 'webgpu/fp32': outOfMemory }, { readiness }))[0]).toBe('wasm fp32')
  })

  it('is not made worse by one that failed for another reason', () => {
    expect(orderOf(planned({ 'webgpu/q8': rest() }))).toEqual(['webgpu fp32', 'wasm fp32', 'wasm q8', 'webgpu q8'])
  })
})
