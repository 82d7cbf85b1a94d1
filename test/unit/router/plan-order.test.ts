/** The order of a plan by what the policy prefers, what is on the device, and what placements are expected to take. */
import { describe, expect, it } from 'vitest'
import type { Preference, Readiness } from '../../../packages/sdk/src/contract/index.js'
import type { PlanInput } from '../../../packages/sdk/src/router/index.js'
import { plan } from '../../../packages/sdk/src/router/plan.js'
import {
  anywhere,
  endpoint,
  estimatesFrom,
  localOnly,
  manifestWith,
  orderOf,
  realGpu,
  usualInput,
  type ShortEstimate,
} from './inputs.js'

type Estimates = Readonly<Record<string, ShortEstimate>>

const withGpu: Partial<PlanInput> = { capabilities: realGpu }
const prefer = (preference: Preference): Partial<PlanInput> => ({ policy: { ...anywhere, prefer: preference } })
const readiness = (states: Readonly<Record<string, Readiness>>) => ({ readiness: new Map(Object.entries(states)) })
const planned = (estimates: Estimates, ...changes: readonly Partial<PlanInput>[]) =>
  plan(Object.assign({}, usualInput, ...changes) as PlanInput, estimatesFrom(estimates))

const download = { ready: 10_000, run: 50, bytes: 24e6 }
const cold: Estimates = { 'wasm/fp32': download, 'webgpu/fp32': { ...download, run: 20 }, [endpoint]: { run: 200 } }
const warm: Estimates = { 'wasm/fp32': { run: 50 }, 'webgpu/fp32': { run: 20 }, [endpoint]: { run: 200 } }
const wasm = { engine: 'device', backend: 'wasm', variant: 'fp32' }
const webgpu = { ...wasm, backend: 'webgpu' }

describe('the policy prefers the device', () => {
  it('lets the endpoint answer while the model comes to the device', () => {
    const { placements, prepareNext, ...rest } = planned(cold)
    expect(orderOf({ placements, ...rest })).toEqual(['remote', 'wasm fp32'])
    expect(prepareNext).toEqual(wasm)
    expect(placements[0]?.reason).toContain('answers while the model (24 MB) is on its way to the device')
    expect(placements[1]?.reason).toContain('24 MB have to be downloaded first')
  })

  it('has the device answer when the model is ready, also where the endpoint is somewhat faster', () => {
    for (const estimates of [warm, { 'wasm/fp32': { run: 250 }, [endpoint]: { run: 20 } }]) {
      const result = planned(estimates, readiness({ 'wasm/fp32': 'ready' }))
      expect(orderOf(result)).toEqual(['wasm fp32', 'remote'])
      expect(result).not.toHaveProperty('prepareNext')
    }
  })

  it('has the endpoint answer while a model that is in the cache is made ready; without one, it is waited for', () => {
    const cached = readiness({ 'wasm/fp32': 'cached' })
    const result = planned(warm, cached)
    expect(orderOf(result)).toEqual(['remote', 'wasm fp32'])
    expect(result.prepareNext).toEqual(wasm)
    expect(orderOf(planned(warm, cached, { endpoints: [] }))).toEqual(['wasm fp32'])
  })

  it('waits for the device where there is no endpoint', () => {
    const result = planned(cold, { endpoints: [] })
    expect(orderOf(result)).toEqual(['wasm fp32'])
    expect(result).not.toHaveProperty('prepareNext')
    expect(planned(cold, { policy: localOnly })).not.toHaveProperty('prepareNext')
  })

  it('goes on with the download that has begun', () => {
    const result = planned(cold, withGpu, readiness({ 'wasm/fp32': 'loading' }))
    expect(orderOf(result)).toEqual(['remote', 'wasm fp32', 'webgpu fp32'])
    expect(result.prepareNext).toEqual(wasm)
    expect(result.placements[1]?.reason).toContain('its weights (24 MB) are on their way')
  })

  it('brings what will be fastest on the device once it is there', () => {
    expect(planned(cold, withGpu).prepareNext).toEqual(webgpu)
  })

  it('puts the fastest of the device first', () => {
    const all = readiness({ 'wasm/fp32': 'ready', 'webgpu/fp32': 'ready' })
    expect(orderOf(planned(warm, withGpu, all))).toEqual(['webgpu fp32', 'wasm fp32', 'remote'])
    const slowGpu = { ...warm, 'webgpu/fp32': { run: 80 } }
    expect(orderOf(planned(slowGpu, withGpu, all))).toEqual(['wasm fp32', 'webgpu fp32', 'remote'])
  })

  it("keeps the caller's order of backends", () => {
    const device = { enabled: true, backends: ['wasm', 'webgpu'], threads: 1 } as const
    const all = readiness({ 'wasm/fp32': 'ready', 'webgpu/fp32': 'ready' })
    expect(orderOf(planned(warm, withGpu, all, { device }))).toEqual(['wasm fp32', 'webgpu fp32', 'remote'])
  })
})

describe('a better placement on the device', () => {
  const ready = readiness({ 'wasm/fp32': 'ready' })

  it('is prepared when it would be twice as fast as the one that answers', () => {
    const result = planned({ ...cold, 'wasm/fp32': { run: 50 } }, withGpu, ready)
    expect(orderOf(result)).toEqual(['wasm fp32', 'remote', 'webgpu fp32'])
    expect(result.prepareNext).toEqual(webgpu)
  })

  it('is not downloaded for less than that', () => {
    const result = planned({ ...cold, 'wasm/fp32': { run: 35 } }, withGpu, ready)
    expect(result).not.toHaveProperty('prepareNext')
  })

  it('gets a session for less, when its weights are in the cache', () => {
    const estimates = { ...cold, 'wasm/fp32': { run: 35 }, 'webgpu/fp32': { ready: 900, run: 20 } }
    const states = readiness({ 'wasm/fp32': 'ready', 'webgpu/fp32': 'cached' })
    expect(planned(estimates, withGpu, states).prepareNext).toEqual(webgpu)
  })

  it('gets a session when the caller put its backend first, as after a GPU was lost', () => {
    const states = readiness({ 'wasm/fp32': 'ready', 'webgpu/fp32': 'cached' })
    const device = { enabled: true, backends: ['webgpu', 'wasm'], threads: 4 } as const
    const slower = { ...cold, 'wasm/fp32': { run: 20 }, 'webgpu/fp32': { ready: 900, run: 35 } }
    for (const policy of [{}, prefer('cheapest')])
      expect(planned(slower, withGpu, states, { device }, policy).prepareNext).toEqual(webgpu)
    expect(planned(slower, withGpu, states, { device }, prefer('fastest'))).not.toHaveProperty('prepareNext')
    const absent = { ...slower, 'webgpu/fp32': { ...download, run: 35 } }
    expect(planned(absent, withGpu, ready, { device })).not.toHaveProperty('prepareNext')
    const order = readiness({ 'wasm/fp32': 'cached', 'webgpu/fp32': 'cached' })
    expect(planned(slower, withGpu, order, { device }).prepareNext).toEqual(webgpu)
  })

  it('is not downloaded on a guess, nor where the policy wants it cheap', () => {
    const guessed = {
      ...cold,
      'wasm/fp32': { run: 50 },
      'webgpu/fp32': { ...download, run: 5, basis: 'assumed' },
    } as const
    expect(planned(guessed, withGpu, ready)).not.toHaveProperty('prepareNext')
    const known = { ...cold, 'wasm/fp32': { run: 50 } }
    expect(planned(known, withGpu, ready, prefer('cheapest'))).not.toHaveProperty('prepareNext')
  })
})

describe('the policy prefers the fastest', () => {
  it('goes by the expected times', () => {
    const all = readiness({ 'wasm/fp32': 'ready', 'webgpu/fp32': 'cached' })
    const times = { 'wasm/fp32': { run: 300 }, 'webgpu/fp32': { ready: 900, run: 20 }, [endpoint]: { run: 200 } }
    expect(orderOf(planned(times, withGpu, all, prefer('fastest')))).toEqual(['remote', 'wasm fp32', 'webgpu fp32'])
  })

  it.each([
    [200, true],
    [240, true],
    [241, false],
  ])('moves to a device that will take %d ms where the endpoint takes 200: %s', (run, moves) => {
    const result = planned({ 'wasm/fp32': { ...download, run }, [endpoint]: { run: 200 } }, prefer('fastest'))
    expect(orderOf(result)).toEqual(['remote', 'wasm fp32'])
    expect(result.prepareNext).toEqual(moves ? wasm : undefined)
  })

  it('measures a ready device that is too slow, or thought so, so that it comes back when it is not', () => {
    const ready = readiness({ 'wasm/fp32': 'ready' })
    const result = planned({ 'wasm/fp32': { run: 900 }, [endpoint]: { run: 200 } }, prefer('fastest'), ready)
    expect(orderOf(result)).toEqual(['remote', 'wasm fp32'])
    expect(result.remeasure).toEqual(wasm)
    const guess = { 'wasm/fp32': { run: 900, basis: 'assumed' }, [endpoint]: { run: 200 } } as const
    expect(planned(guess, prefer('fastest'), ready).remeasure).toEqual(wasm)
  })
})

describe('the policy prefers what is cheapest', () => {
  it('waits for the device, and has the endpoint answer when the device cannot', () => {
    const result = planned(cold, prefer('cheapest'))
    expect(orderOf(result)).toEqual(['wasm fp32', 'remote'])
    expect(result).not.toHaveProperty('prepareNext')
  })
})

describe('the policy prefers the endpoint', () => {
  it('has the device answer only when the endpoint cannot, and downloads nothing meanwhile', () => {
    const result = planned(cold, prefer('remote'))
    expect(orderOf(result)).toEqual(['remote', 'wasm fp32'])
    expect(result).not.toHaveProperty('prepareNext')
    expect(result).not.toHaveProperty('remeasure')
  })
})

describe('who prepares the device', () => {
  it.each(['device', 'fastest', 'cheapest'] as const)('gets it first when the policy prefers %s', (preference) => {
    const result = planned(cold, withGpu, prefer(preference), { purpose: 'prepare' })
    expect(orderOf(result)).toEqual(['webgpu fp32', 'wasm fp32', 'remote'])
    expect(result).not.toHaveProperty('prepareNext')
  })

  it('gets the endpoint first when the policy prefers that', () => {
    expect(orderOf(planned(cold, prefer('remote'), { purpose: 'prepare' }))).toEqual(['remote', 'wasm fp32'])
  })

  it('gets what will be fastest, not what is downloaded soonest, unless a download has begun', () => {
    const manifest = manifestWith({ dtype: 'fp16', backends: ['webgpu'] }, { dtype: 'int8', backends: ['wasm'] })
    const estimates = { 'webgpu/fp16': { ready: 9_000, run: 5 }, 'wasm/int8': { ready: 2_000, run: 50 } }
    const changes = [withGpu, { manifest, endpoints: [], purpose: 'prepare' }] as const
    expect(orderOf(planned(estimates, ...changes))).toEqual(['webgpu fp16', 'wasm int8'])
    const begun = readiness({ 'wasm/int8': 'loading' })
    expect(orderOf(planned(estimates, ...changes, begun))).toEqual(['wasm int8', 'webgpu fp16'])
  })
})

describe('several endpoints', () => {
  const near = 'https://near.example/'
  const far = 'https://far.example/'
  const newcomer = 'https://new.example/'
  const endpoints = [far, newcomer, near].map((address) => ({ endpoint: address, isSpared: false }))
  const addresses = (estimates: Estimates, change: Partial<PlanInput> = {}) =>
    planned(
      estimates,
      { endpoints, device: { enabled: false, backends: undefined, threads: 1 } },
      change,
    ).placements.map(({ placement }) => placement.engine === 'remote' && placement.endpoint)
  const assumed = { run: 300, basis: 'assumed' } as const

  it('are ranked by what is measured of them; one that was never asked comes after', () => {
    const estimates = { [far]: { run: 500 }, [near]: { run: 400 }, [newcomer]: assumed }
    expect(addresses(estimates)).toEqual([near, far, newcomer])
  })

  it('give one that was never asked a chance when the measured ones are more than twice as slow as it should be', () => {
    const estimates = { [far]: { run: 900 }, [near]: { run: 400 }, [newcomer]: assumed }
    expect(addresses(estimates)).toEqual([near, newcomer, far])
  })

  it("keep the client's order while nothing is measured", () => {
    expect(addresses({ [far]: assumed, [near]: assumed, [newcomer]: assumed })).toEqual([far, newcomer, near])
  })

  it('count the wait at a loaded one', () => {
    const estimates = { [far]: { run: 200 }, [near]: { ready: 900, run: 20 }, [newcomer]: assumed }
    expect(addresses(estimates)).toEqual([far, newcomer, near])
  })

  it('are asked in the order given, when the caller says so: but those that rest come last', () => {
    const estimates = { [far]: { run: 900 }, [near]: { run: 20 }, [newcomer]: assumed }
    expect(addresses(estimates, { endpointOrder: 'given' })).toEqual([far, newcomer, near])
    const resting = endpoints.map((facts) =>
      facts.endpoint === far ? { ...facts, resting: { code: 'REMOTE_FAILED', remainingMs: 900 } as const } : facts,
    )
    expect(addresses(estimates, { endpointOrder: 'given', endpoints: resting })).toEqual([newcomer, near, far])
  })

  it('in the order given stand behind a device that is faster than the first of them', () => {
    const estimates = { 'wasm/fp32': { run: 500 }, [far]: { run: 900 }, [near]: { run: 20 }, [newcomer]: { run: 30 } }
    const change = { endpoints, endpointOrder: 'given', ...readiness({ 'wasm/fp32': 'ready' }) } as const
    const result = planned(estimates, change, prefer('fastest'))
    expect(orderOf(result)[0]).toBe('wasm fp32')
    const remotes = result.placements.flatMap(({ placement: place }) =>
      place.engine === 'remote' ? place.endpoint : [],
    )
    expect(remotes).toEqual([far, newcomer, near])
  })
})
