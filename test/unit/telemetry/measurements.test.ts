/** Measurements: what is added can be read at once, what changed is saved, and what the database had is not lost. */
import { describe, expect, it } from 'vitest'
import type { MeasurementRecord } from '../../../packages/sdk/src/contract/index.js'
import { Measurements } from '../../../packages/sdk/src/telemetry/index.js'

const key = 'device'
const record = (change: Partial<MeasurementRecord> = {}): MeasurementRecord => ({
  key,
  runs: [],
  loads: [],
  usedAt: 1,
  ...change,
})
const clock = () => {
  let at = 100
  return () => (at += 1)
}

describe('measurements', () => {
  it('are there as soon as a run was added, the newest 32 of them', () => {
    const measurements = new Measurements(clock())
    expect(measurements.of(key)).toBeUndefined()
    for (let i = 0; i < 40; i += 1) measurements.addRun(key, 10, i < 8 ? 9_000 : 50)
    expect(measurements.of(key)?.run).toMatchObject({ samples: 32, lastAt: 140 })
    const [saved] = measurements.takeChanged()
    expect(saved?.runs.every(({ ms }) => ms === 50)).toBe(true)
  })

  it('keep the newest 8 loads, apart from the runs', () => {
    const measurements = new Measurements(clock())
    measurements.addRun(key, 10, 50)
    const { run } = measurements.of(key) ?? {}
    for (let i = 0; i < 9; i += 1) measurements.addLoad(key, 1e6, i === 0 ? 9_000 : 700)
    expect(measurements.of(key)).toEqual({ run, loadMs: { typical: 700, high: expect.any(Number) } })
    expect(measurements.takeChanged()[0]?.loads).toHaveLength(8)
  })

  it('of one key say nothing of another', () => {
    const measurements = new Measurements(clock())
    measurements.addRun('a', 10, 50)
    expect(measurements.of('b')).toBeUndefined()
  })

  it('ignore what is no time, and what has no size', () => {
    const measurements = new Measurements(clock())
    for (const ms of [NaN, Infinity, -1]) measurements.addRun(key, 10, ms)
    for (const units of [NaN, Infinity, 0, -1]) measurements.addRun(key, units, 10)
    expect(measurements.of(key)).toBeUndefined()
    expect(measurements.takeChanged()).toEqual([])
  })

  it('keep a verdict', () => {
    const measurements = new Measurements(clock())
    measurements.judge(key, 'CANARY_FAILED', 'wrong numbers')
    expect(measurements.of(key)?.verdict).toEqual({ code: 'CANARY_FAILED', reason: 'wrong numbers', at: 101 })
    const [changed] = measurements.takeChanged()
    expect(changed).toMatchObject({ verdict: { code: 'CANARY_FAILED', at: 101 }, usedAt: 101 })
  })

  it('count comparisons, and those that agreed', () => {
    const measurements = new Measurements(clock())
    for (const agreed of [true, false, true]) measurements.compare(key, agreed)
    expect(measurements.of(key)?.agreement).toEqual({ compared: 3, agreed: 2 })
  })

  it('are saved once for each change', () => {
    const measurements = new Measurements(clock())
    measurements.addRun('a', 10, 50)
    measurements.addRun('b', 10, 50)
    expect(measurements.takeChanged().map(({ key }) => key)).toEqual(['a', 'b'])
    expect(measurements.takeChanged()).toEqual([])
    measurements.addRun('b', 10, 60)
    expect(measurements.takeChanged()).toMatchObject([{ key: 'b', runs: [{ ms: 50 }, { ms: 60 }], usedAt: 103 }])
  })

  it('that the database had are there after a load, and need not be saved again', () => {
    const measurements = new Measurements(clock())
    const verdict = { code: 'CANARY_FAILED', reason: 'wrong numbers', at: 1 } as const
    measurements.load([record({ runs: [{ units: 10, ms: 50, at: 1 }], verdict })])
    expect(measurements.of(key)).toMatchObject({ run: { samples: 1 }, verdict })
    expect(measurements.takeChanged()).toEqual([])
  })

  it('made before the database answered are kept, as the newer ones', () => {
    const measurements = new Measurements(clock())
    measurements.addRun(key, 10, 60)
    measurements.compare(key, true)
    const old = record({ runs: [{ units: 10, ms: 50, at: 1 }], agreement: { compared: 2, agreed: 1 } })
    measurements.load([old])
    expect(measurements.of(key)).toMatchObject({
      run: { samples: 2, lastAt: 101 },
      agreement: { compared: 3, agreed: 2 },
    })
    expect(measurements.takeChanged()).toMatchObject([{ runs: [{ ms: 50 }, { ms: 60 }], usedAt: 102 }])
  })

  it('judge anew what was judged before the database answered', () => {
    const verdict = { code: 'CANARY_FAILED', reason: 'old', at: 1 } as const
    const judged = new Measurements(clock())
    judged.judge(key, 'CANARY_FAILED', 'new')
    judged.load([record({ verdict })])
    expect(judged.of(key)?.verdict?.reason).toBe('new')
    const neither = new Measurements(clock())
    neither.addRun(key, 10, 60)
    neither.load([record({ verdict })])
    expect(neither.of(key)?.verdict).toEqual(verdict)
  })
})
