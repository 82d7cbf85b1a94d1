/** What shifts the order of a plan: each condition with its sentence, and none where nothing has changed. */
import { describe, expect, it } from 'vitest'
import type { Conditions, Preference, ResolvedPolicy } from '../../../packages/sdk/src/contract/index.js'
import type { EndpointFacts, PlanInput } from '../../../packages/sdk/src/router/index.js'
import { plan } from '../../../packages/sdk/src/router/plan.js'
import { anywhere, drifted, endpoint, estimatesFrom, orderOf, usualInput, type ShortEstimate } from './inputs.js'

type Change = Partial<PlanInput>

const ready: Change = { readiness: new Map([['wasm/fp32', 'ready' as const]]) }
const policy = (change: Partial<ResolvedPolicy>): Change => ({ policy: { ...anywhere, ...change } })
const conditions = (change: Partial<Conditions>): Change => ({ conditions: { ...usualInput.conditions, ...change } })
const oneEndpoint = (facts: Partial<EndpointFacts>): Change => ({
  endpoints: [{ endpoint, isSpared: false, ...facts }],
})
const wasm = { engine: 'device', backend: 'wasm', variant: 'fp32' }
const download = { ready: 10_000, run: 50, bytes: 24e6 }

function planned(device: ShortEstimate, remote: ShortEstimate, ...changes: readonly Change[]) {
  const input = Object.assign({}, usualInput, ...changes) as PlanInput
  return plan(input, estimatesFrom({ 'wasm/fp32': device, [endpoint]: remote }))
}

it('nothing is said of conditions that change nothing', () => {
  const calm = conditions({ pressure: 'fair', battery: { level: 0.9, charging: false }, hidden: true })
  expect(planned({ run: 50 }, { run: 200 }, ready, calm).shifts).toEqual([])
  const alone = planned({ run: 50 }, { run: 200 }, ready, conditions({ pressure: 'critical' }), { endpoints: [] })
  expect(alone.shifts).toEqual([])
})

describe('a device that is to be left alone', () => {
  const rows = [
    { why: 'the policy says power: low', change: policy({ power: 'low' }) },
    {
      why: 'the battery is at 15% and not charging',
      change: conditions({ battery: { level: 0.15, charging: false } }),
    },
  ]

  it.each(rows)('has the endpoint answer: $why', ({ why, change }) => {
    const result = planned({ run: 50 }, { run: 200 }, ready, change)
    expect(orderOf(result)).toEqual(['remote', 'wasm fp32'])
    expect(result.shifts).toEqual([`${why}: the endpoint goes first`])
    expect(result.placements[0]?.reason).toContain(why)
    expect(result).not.toHaveProperty('remeasure')
  })

  it.each(rows)('is not given a model meanwhile: $why', ({ why, change }) => {
    const result = planned(download, { run: 200 }, change)
    expect(result).not.toHaveProperty('prepareNext')
    expect(result.shifts).toEqual([`${why}: the model is not brought to the device`])
  })

  it.each(rows)(
    'answers all the same where nobody else can, and where the policy wants it cheap: $why',
    ({ change }) => {
      expect(orderOf(planned({ run: 50 }, { run: 200 }, ready, change, { endpoints: [] }))).toEqual(['wasm fp32'])
      const cheapest = { policy: { ...anywhere, ...change.policy, prefer: 'cheapest' as const } }
      expect(orderOf(planned({ run: 50 }, { run: 200 }, ready, change, cheapest))).toEqual(['wasm fp32', 'remote'])
    },
  )

  it('is used while it charges', () => {
    const charging = conditions({ battery: { level: 0.1, charging: true } })
    expect(orderOf(planned({ run: 50 }, { run: 200 }, ready, charging))).toEqual(['wasm fp32', 'remote'])
  })
})

describe('a device that is slow', () => {
  const slow = (drift: number): Change => ({ ...ready, measurements: new Map([['wasm/fp32', drifted(drift)]]) })

  it('makes room for an endpoint that is twice as fast, and is measured again', () => {
    const result = planned({ run: 500 }, { run: 200 }, slow(2.5))
    expect(orderOf(result)).toEqual(['remote', 'wasm fp32'])
    expect(result.shifts[0]).toContain('the device needs 500 ms, 2.5 times what it was')
    expect(result.remeasure).toEqual(wasm)
    expect(result).not.toHaveProperty('prepareNext')
  })

  it.each([
    ['the endpoint is not that much faster', 390, 200],
    ['nobody feels it', 290, 20],
  ])('stays where %s', (_, run, remote) => {
    const result = planned({ run }, { run: remote }, slow(2.5))
    expect(orderOf(result)).toEqual(['wasm fp32', 'remote'])
    expect(result).not.toHaveProperty('remeasure')
  })

  it('makes room sooner when its CPU is under pressure; pressure alone, which our runs make, moves nothing', () => {
    const pressed = conditions({ pressure: 'serious' })
    const result = planned({ run: 350 }, { run: 200 }, slow(1), pressed)
    expect(orderOf(result)).toEqual(['remote', 'wasm fp32'])
    expect(result.shifts.join()).toContain('its CPU being under pressure')
    expect(orderOf(planned({ run: 350 }, { run: 200 }, slow(1)))).toEqual(['wasm fp32', 'remote'])
    const critical = conditions({ pressure: 'critical' })
    expect(orderOf(planned({ run: 50 }, { run: 200 }, slow(1), critical))).toEqual(['wasm fp32', 'remote'])
  })

  it('that nobody has measured stays: a guess would never be put right', () => {
    const guessed = planned({ run: 500, basis: 'benchmark' }, { run: 200 }, ready)
    expect(orderOf(guessed)).toEqual(['wasm fp32', 'remote'])
  })
})

describe('a loaded endpoint', () => {
  const spared = oneEndpoint({ isSpared: true, load: { utilization: 0.95, at: 0 } })
  const sentence = 'the endpoint is loaded: the device, which has the model, goes before it'

  it.each(['remote', 'fastest', 'device', 'cheapest'] as const)(
    'is left to others when the policy prefers %s',
    (prefer) => {
      const result = planned({ run: 250 }, { run: 20 }, ready, spared, policy({ prefer }))
      expect(orderOf(result)).toEqual(['wasm fp32', 'remote'])
      expect(result.placements[1]?.reason).toContain('loaded to 95%')
      expect(result.shifts).toEqual(prefer === 'remote' || prefer === 'fastest' ? [sentence] : [])
    },
  )

  it('answers while the model comes to the device, also when the policy prefers it', () => {
    const result = planned(download, { run: 200 }, spared, policy({ prefer: 'remote' }))
    expect(orderOf(result)).toEqual(['remote', 'wasm fp32'])
    expect(result.prepareNext).toEqual(wasm)
  })

  it('is left to others also by a device that would rather be left alone', () => {
    const result = planned({ run: 50 }, { run: 200 }, ready, spared, policy({ power: 'low' }))
    expect(orderOf(result)).toEqual(['wasm fp32', 'remote'])
  })

  it('comes after an endpoint that is not loaded', () => {
    const other = 'https://other.example/'
    const endpoints = [
      { endpoint, isSpared: true },
      { endpoint: other, isSpared: false },
    ]
    const input = { ...usualInput, ...ready, ...policy({ prefer: 'remote' }), endpoints }
    const estimates = estimatesFrom({
      [endpoint]: { ready: 900, run: 10 },
      [other]: { run: 300 },
      'wasm/fp32': { run: 5 },
    })
    const { placements } = plan(input, estimates)
    expect(placements.map(({ placement }) => (placement.engine === 'remote' ? placement.endpoint : 'device'))).toEqual([
      other,
      'device',
      endpoint,
    ])
  })
})

describe('a deadline', () => {
  const deadline = (prefer: Preference, change: Partial<ResolvedPolicy>) => policy({ prefer, ...change })

  it('puts what is expected to miss it last, whatever the policy prefers', () => {
    const result = planned({ run: 250 }, { run: 150 }, ready, deadline('device', { deadlineMs: 400 }))
    expect(orderOf(result)).toEqual(['remote', 'wasm fp32'])
    expect(result.shifts).toEqual([
      'the policy wants the answer within 400 ms: what is expected to miss that goes last, the nearest first',
    ])
    expect(result.placements[1]?.reason).toContain('may be too late for this policy')
    const other = planned({ run: 200 }, { run: 500 }, ready, deadline('remote', { deadlineMs: 600 }))
    expect(orderOf(other)).toEqual(['wasm fp32', 'remote'])
  })

  it('counts by what happens once in twenty times, not by what is usual', () => {
    const result = planned({ run: 400 }, { run: 200 }, ready, deadline('device', { deadlineMs: 600 }))
    expect(orderOf(result)).toEqual(['remote', 'wasm fp32'])
  })

  it('puts the nearest first where all are expected to miss it', () => {
    const result = planned({ run: 500 }, { run: 200 }, ready, deadline('device', { deadlineMs: 10 }))
    expect(orderOf(result)).toEqual(['remote', 'wasm fp32'])
  })

  it('for the first output counts the time until it is ready', () => {
    const wish = deadline('cheapest', { firstOutputMs: 1_000 })
    const result = planned(download, { run: 200 }, wish)
    expect(orderOf(result)).toEqual(['remote', 'wasm fp32'])
    expect(result.shifts[0]).toContain('the first output within 1 s')
    expect(result.prepareNext).toEqual(wasm)
  })

  it('says nothing when all are expected to meet it', () => {
    const result = planned({ run: 50 }, { run: 200 }, ready, deadline('device', { deadlineMs: 60_000 }))
    expect(orderOf(result)).toEqual(['wasm fp32', 'remote'])
    expect(result.shifts).toEqual([])
  })

  it('does not hurry what is only prepared', () => {
    const result = planned(download, { run: 200 }, deadline('device', { deadlineMs: 600 }), { purpose: 'prepare' })
    expect(orderOf(result)).toEqual(['wasm fp32', 'remote'])
  })
})

describe('an endpoint that has just failed', () => {
  const resting = oneEndpoint({ resting: { code: 'REMOTE_UNREACHABLE', remainingMs: 1_500 } })

  it('comes last, and is not ruled out', () => {
    const result = planned(download, { run: 200 }, resting, policy({ prefer: 'remote' }))
    expect(orderOf(result)).toEqual(['wasm fp32', 'remote'])
    expect(result.placements[1]?.reason).toContain('rests for another 1.5 s after REMOTE_UNREACHABLE')
    expect(result.shifts).toEqual(['an endpoint that has just failed rests: it goes last'])
  })

  it('lets the request wait for the device, since nobody answers meanwhile', () => {
    const result = planned(download, { run: 200 }, resting)
    expect(orderOf(result)).toEqual(['wasm fp32', 'remote'])
    expect(result).not.toHaveProperty('prepareNext')
  })
})

describe('an endpoint whose rest is over', () => {
  const halfOpen = oneEndpoint({ resting: { code: 'REMOTE_UNREACHABLE', remainingMs: 0 } })

  it.each(['ready', 'cached'] as const)('stays last while a device that is %s can answer', (readiness) => {
    const near: Change = { readiness: new Map([['wasm/fp32', readiness]]) }
    const result = planned({ run: 50 }, { run: 200 }, near, halfOpen, policy({ prefer: 'remote' }))
    expect(orderOf(result)).toEqual(['wasm fp32', 'remote'])
    expect(result.placements[1]?.reason).toContain('has not been seen to answer since')
  })

  it('is shown to answer by the request itself where nobody else can', () => {
    const result = planned(download, { run: 200 }, halfOpen)
    expect(orderOf(result)).toEqual(['remote', 'wasm fp32'])
    expect(result.shifts).toEqual([])
  })

  it('stays behind another endpoint', () => {
    const other = 'https://other.example/'
    const [known] = halfOpen.endpoints ?? []
    const endpoints = known ? [known, { endpoint: other, isSpared: false }] : []
    const result = planned(download, { run: 20 }, { endpoints }, policy({ prefer: 'remote' }))
    const [first] = result.placements
    expect(first?.placement).toEqual({ engine: 'remote', endpoint: other })
  })
})

describe('the lane background', () => {
  const background: Change = { lane: 'background' }

  it('uses a device that is ready, though it takes longer', () => {
    for (const prefer of ['fastest', 'remote'] as const) {
      const result = planned({ run: 500 }, { run: 20 }, ready, background, policy({ prefer }))
      expect(orderOf(result)).toEqual(['wasm fp32', 'remote'])
      expect(result.shifts[0]).toContain('cost matters more than time')
    }
  })

  it('changes nothing where the device is not ready', () => {
    const result = planned(download, { run: 20 }, background, policy({ prefer: 'fastest' }))
    expect(orderOf(result)).toEqual(['remote', 'wasm fp32'])
  })

  it('leaves a weak device alone', () => {
    const result = planned({ run: 500 }, { run: 20 }, ready, background, policy({ prefer: 'fastest', power: 'low' }))
    expect(orderOf(result)).toEqual(['remote', 'wasm fp32'])
    expect(result.shifts).toEqual([])
  })
})
