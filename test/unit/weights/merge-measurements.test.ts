/** Measurements of several tabs become one record, with the newest samples of all, and the records used last stay. */
import { describe, expect, it } from 'vitest'
import type { MeasurementRecord, Sample } from '../../../packages/sdk/src/contract/index.js'
import {
  leastUsed,
  mergeRecords as merge,
  mostRecords,
  mostSamples,
} from '../../../packages/sdk/src/weights/merge-measurements.js'

const now = 1_000
const mergeRecords = (earlier: MeasurementRecord | undefined, added: MeasurementRecord) => merge(earlier, added, now)
const sample = (at: number): Sample => ({ units: 3, ms: at / 10, at })
const samples = (...ats: number[]) => ats.map(sample)
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)
const record = (fields: Partial<MeasurementRecord>): MeasurementRecord => ({
  ...{ key: 'a', runs: [], loads: [], usedAt: 1 },
  ...fields,
})
const verdict = (at: number) => ({ code: 'CANARY_FAILED' as const, reason: `at ${at}`, at })

describe('mergeRecords', () => {
  it('keeps the samples of both, oldest first, and those that both have once', () => {
    const merged = mergeRecords(record({ runs: samples(1, 2, 5), loads: samples(7) }), record({ runs: samples(2, 4) }))
    expect(merged).toMatchObject({ runs: samples(1, 2, 4, 5), loads: samples(7) })
  })

  it('keeps the newest samples only, of a record that is alone as well', () => {
    const [ats, most] = [range(0, 100), mostSamples]
    const many = record({ runs: samples(...ats), loads: samples(...ats) })
    const newest = { runs: samples(...range(100 - most.runs, 100)), loads: samples(...range(100 - most.loads, 100)) }
    expect(mergeRecords(undefined, many)).toMatchObject(newest)
    expect(mergeRecords(many, record({ runs: samples(-1) }))).toMatchObject(newest)
  })

  it('keeps the newer verdict, the longer count of agreements, and the later use', () => {
    const one = record({ verdict: verdict(9), agreement: { compared: 3, agreed: 3 }, usedAt: 5 })
    const other = record({ verdict: verdict(8), agreement: { compared: 7, agreed: 6 }, usedAt: 4 })
    const merged = { verdict: verdict(9), agreement: { compared: 7, agreed: 6 }, usedAt: 5 }
    expect(mergeRecords(one, other)).toMatchObject(merged)
    expect(mergeRecords(other, one)).toMatchObject(merged)
  })

  it('keeps a verdict that another tab passed, also when this one has not heard of it, and makes up none', () => {
    for (const usedAt of [4, 6])
      expect(mergeRecords(record({ verdict: verdict(5) }), record({ usedAt }))).toMatchObject({ verdict: verdict(5) })
    expect(mergeRecords(record({}), record({}))).toEqual(record({}))
  })

  it('forgets what is of the future: a clock that was wrong would have it count as the newest for years', () => {
    const ahead = record({
      runs: samples(5, now + 1),
      loads: samples(now + 1),
      verdict: verdict(now + 1),
      usedAt: now + 1,
    })
    const merged = mergeRecords(ahead, record({ runs: samples(6, now), usedAt: now }))
    expect(merged).toEqual(record({ runs: samples(5, 6, now), usedAt: now }))
  })
})

describe('leastUsed', () => {
  it('names those used longest ago beyond what is kept, and nobody before', () => {
    const records = range(0, mostRecords).map((usedAt) => record({ key: `at ${usedAt}`, usedAt }))
    expect(leastUsed(records)).toEqual([])
    expect(leastUsed([...records, record({ key: 'now', usedAt: 1e9 })])).toEqual(['at 0'])
  })
})
