/** What holds for every plan, whatever it is made from. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Plan, PlannedPlacement } from '../../../packages/sdk/src/contract/index.js'
import { placementName, type PlanInput } from '../../../packages/sdk/src/router/index.js'
import { plan } from '../../../packages/sdk/src/router/plan.js'
import { anyCase, type Case } from './plan-arbitraries.js'

const holds = (name: string, property: (planned: Plan, input: PlanInput, given: Case) => void) =>
  it(name, () => {
    fc.assert(
      fc.property(anyCase, (given) => property(plan(given.input, given.estimators), given.input, given)),
      { numRuns: 500 },
    )
  })

const names = ({ placements }: Plan) => placements.map(({ placement }) => placementName(placement))
const ofEngine = ({ placements }: Plan, engine: 'device' | 'remote') =>
  placements.filter(({ placement }) => placement.engine === engine)
const isNear = ({ readiness }: PlannedPlacement) => readiness === 'ready' || readiness === 'cached'
const isAscending = (values: readonly number[]) =>
  values.every((value, at) => at === 0 || (values[at - 1] ?? 0) <= value)
const latenessOf = ({ estimate: { readyMs, firstOutputMs, totalMs } }: PlannedPlacement, { policy }: PlanInput) =>
  Math.max(0, totalMs.high - policy.deadlineMs, readyMs.high + firstOutputMs.high - policy.firstOutputMs)
const isWithoutDeadline = ({ policy }: PlanInput) => policy.deadlineMs === Infinity && policy.firstOutputMs === Infinity
const isResting = ({ placement, reason }: PlannedPlacement, { endpoints }: PlanInput) =>
  placement.engine === 'device'
    ? reason.includes('rests for another')
    : endpoints.some((facts) => facts.endpoint === placement.endpoint && facts.resting)

describe('no plan has a placement that must not be', () => {
  holds('at an endpoint, under local-only and offline', (planned, { policy }) => {
    if (policy.residency === 'local-only' || policy.offline) expect(ofEngine(planned, 'remote')).toEqual([])
  })

  holds(
    'on the device, when the client has none, or on backends that the caller does not want',
    (planned, { device }) => {
      for (const { placement } of ofEngine(planned, 'device')) {
        expect(device.enabled).toBe(true)
        if (device.backends) expect(device.backends).toContain('backend' in placement && placement.backend)
      }
    },
  )

  holds('that downloads more than maxDownloadBytes, or takes more than maxMemoryBytes', (planned, { policy }) => {
    for (const found of ofEngine(planned, 'device')) {
      if (!isNear(found)) expect(found.estimate.downloadBytes).toBeLessThanOrEqual(policy.maxDownloadBytes)
      expect(found.estimate.memoryBytes).toBeLessThanOrEqual(policy.maxMemoryBytes)
    }
  })

  holds('that downloads much while data is to be saved and an endpoint can answer', (planned, input) => {
    const { policy, conditions } = input
    const saves = policy.saveData === 'on' || (policy.saveData === 'auto' && conditions.saveData)
    if (!saves || !ofEngine(planned, 'remote').some((remote) => !isResting(remote, input))) return
    for (const found of ofEngine(planned, 'device'))
      expect(isNear(found) || found.estimate.downloadBytes <= 2 ** 20).toBe(true)
  })

  holds('that has a verdict against it, or is not in the cache where only that can be had', (planned, input) => {
    for (const { placement } of ofEngine(planned, 'device')) {
      expect(input.measurements.get(placementName(placement))?.verdict).toBeUndefined()
      if (placement.engine === 'device' && input.onlyCached)
        expect(input.onlyCached.variants).toContain(placement.variant)
    }
  })

  holds(
    'that rests and must never be used, or takes as much memory as one that killed the page',
    (planned, input, given) => {
      const found = ofEngine(planned, 'device')
      for (const { placement } of found) expect(input.resting.get(placementName(placement))?.use).not.toBe('never')
      const loaded = found.filter(({ readiness }) => readiness !== 'ready')
      const limit = Math.min(...memoryOfKillers(input, given.estimators))
      for (const { estimate } of loaded) expect(estimate.memoryBytes).toBeLessThan(limit)
    },
  )
})

describe('every plan', () => {
  holds('says of each placement once where it stands or why it does not', (planned, { manifest, endpoints }) => {
    const isWhole = (engine: string) =>
      planned.ruledOut.some(({ placement }) => placement.engine === engine && Object.keys(placement).length === 1)
    const told = [
      ...names(planned),
      ...planned.ruledOut.flatMap(({ placement }) =>
        'backend' in placement || 'endpoint' in placement ? [placementName(placement)] : [],
      ),
    ]
    const variants = 'variants' in manifest ? manifest.variants : []
    const expected = [
      ...(isWhole('device') ? [] : variants.flatMap(({ dtype }) => [`webgpu/${dtype}`, `wasm/${dtype}`])),
      ...(isWhole('remote') ? [] : endpoints.map(({ endpoint }) => endpoint)),
    ]
    expect(told.toSorted()).toEqual(expected.toSorted())
  })

  holds('is the same when made again, and has a reason for each placement', (planned, input, { estimators }) => {
    expect(plan(input, estimators)).toEqual(planned)
    for (const { reason } of [...planned.placements, ...planned.ruledOut]) {
      expect(reason).toMatch(/\w{3}/)
      expect(reason).not.toMatch(/undefined|NaN|\[object/)
    }
  })

  it('is made with the estimates of the cost model too', () => {
    fc.assert(
      fc.property(anyCase, ({ input }) => {
        expect(plan(input)).toEqual(plan(input))
      }),
      { numRuns: 300 },
    )
  })
})

describe('no order is worse than its own estimates', () => {
  holds('among all under fastest, where nothing has shifted it', (planned, input) => {
    if (input.policy.prefer !== 'fastest' || input.purpose === 'prepare' || planned.shifts.length > 0) return
    // An endpoint that was never measured stands behind measured ones that are not much slower.
    const known = planned.placements.filter(
      ({ placement, estimate }) => placement.engine === 'device' || estimate.basis === 'measured',
    )
    expect(isAscending(known.map(({ estimate }) => estimate.totalMs.typical))).toBe(true)
  })

  holds('among placements of the device that are equally near', (planned, input) => {
    const { policy, device, purpose } = input
    const isByTime = policy.prefer === 'fastest' && purpose === 'answer'
    if (device.backends !== undefined && !isByTime) return // The caller's order.
    const inTime = ofEngine(planned, 'device').filter((one) => latenessOf(one, input) === 0 || purpose === 'prepare')
    const found = inTime.filter((one) => !isResting(one, input))
    for (const readiness of ['ready', 'cached', 'loading', 'absent'] as const) {
      const alike = found.filter((one) => one.readiness === readiness && isSmall(one))
      const isLater = purpose === 'prepare' && readiness !== 'ready' && readiness !== 'cached'
      const times = alike.map(({ estimate: { totalMs, readyMs } }) =>
        isLater ? totalMs.typical - readyMs.typical : totalMs.typical,
      )
      expect(isAscending(times)).toBe(true)
    }
  })

  holds('by deadlines: what meets them comes first, then the nearest', (planned, input) => {
    if (input.purpose === 'prepare' || isWithoutDeadline(input)) return
    const awake = planned.placements.filter((one) => !isResting(one, input) && isSmall(one))
    expect(isAscending(awake.map((one) => latenessOf(one, input)))).toBe(true)
  })

  holds('among measured endpoints', (planned, input) => {
    if (!isWithoutDeadline(input) || input.endpoints.some(({ isSpared }) => isSpared)) return
    const measured = ofEngine(planned, 'remote').filter(
      (one) => one.estimate.basis === 'measured' && !isResting(one, input),
    )
    if (planned.shifts.length > 0) return
    expect(isAscending(measured.map(({ estimate }) => estimate.totalMs.typical))).toBe(true)
  })
})

describe('what is done in the background', () => {
  holds('makes ready only what is in the plan, is not ready, and may be loaded', (planned, { policy, purpose }) => {
    const { prepareNext } = planned
    if (prepareNext === undefined) return
    const found = planned.placements.find(({ placement }) => placement === prepareNext)
    expect(found?.placement.engine).toBe('device')
    expect(found?.readiness).not.toBe('ready')
    expect(purpose).toBe('answer')
    expect(policy.power).toBe('auto')
    expect(policy.offline).toBe(false)
    expect(planned.placements[0]?.placement).not.toBe(prepareNext)
  })

  holds('measures again only what is ready, and stands behind an endpoint', (planned) => {
    const { remeasure } = planned
    if (remeasure === undefined) return
    const found = planned.placements.find(({ placement }) => placement === remeasure)
    expect(found).toMatchObject({ readiness: 'ready' })
    expect(planned.placements[0]?.placement.engine).toBe('remote')
  })

  holds('leaves what rests alone', (planned, input) => {
    const chosen = planned.placements.filter(
      ({ placement }) => placement === planned.prepareNext || placement === planned.remeasure,
    )
    for (const found of chosen) expect(isResting(found, input)).toBe(false)
  })
})

describe('what rests', () => {
  holds('comes behind everybody who is awake', (planned, input) => {
    const small = planned.placements.filter(isSmall)
    const firstAtRest = small.findIndex((found) => isResting(found, input))
    if (firstAtRest < 0) return
    for (const found of small.slice(firstAtRest)) expect(isResting(found, input)).toBe(true)
  })
})

/** Bytes of the placements that the page was killed by. */
function memoryOfKillers(input: PlanInput, { device }: Case['estimators']): number[] {
  const { manifest, resting } = input
  if (!('variants' in manifest)) return []
  return manifest.variants.flatMap((variant) =>
    (['webgpu', 'wasm'] as const).flatMap((backend) => {
      const rest = resting.get(`${backend}/${variant.dtype}`)
      const isKiller = rest?.code === 'WORKER_DIED' && rest.use === 'never'
      return isKiller ? [device(input, manifest, variant, backend).memoryBytes] : []
    }),
  )
}

/** Whether saving data could not have moved it. */
function isSmall(found: PlannedPlacement): boolean {
  return found.placement.engine === 'remote' || isNear(found) || found.estimate.downloadBytes <= 2 ** 20
}
