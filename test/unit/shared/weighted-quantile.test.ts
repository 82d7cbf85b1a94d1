/** Weighted quantiles are those that sorting gives; lines are not moved by a few wild points. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fitLine, weightedMedian, weightedQuantile } from '../../../packages/sdk/src/shared/index.js'

const equal = (...values: readonly number[]) => values.map((value) => ({ value, weight: 1 }))

describe('weightedQuantile', () => {
  it('gives the value that the share of the weight lies at or below', () => {
    expect(weightedQuantile(equal(4, 1, 3, 2, 5), 0.5)).toBe(3)
    expect(weightedQuantile(equal(4, 1, 3, 2, 5), 0.95)).toBe(5)
    expect(weightedQuantile(equal(4, 1, 3, 2, 5), 0)).toBe(1)
    expect(weightedMedian([{ value: 1, weight: 5 }, ...equal(2, 3, 4, 5)])).toBe(1)
    expect(weightedMedian([])).toBe(0)
  })

  it('lies between two values where the share is exactly met', () => {
    expect(weightedMedian(equal(2, 1))).toBe(1.5)
    expect(weightedQuantile(equal(4, 3, 2, 1), 0.25)).toBe(1.5)
    expect(weightedQuantile(equal(4, 3, 2, 1), 0.75)).toBe(3.5)
  })

  it('gives what sorting gives, whatever the order', () => {
    const anyWeighted = fc.record({ value: fc.integer({ min: -20, max: 20 }), weight: fc.integer({ min: 1, max: 5 }) })
    fc.assert(
      fc.property(fc.array(anyWeighted, { minLength: 1 }), fc.nat(100), (values, percent) => {
        // Each value as often as it weighs.
        const sorted = values.flatMap(({ value, weight }) => Array<number>(weight).fill(value)).sort((a, b) => a - b)
        const position = (percent * sorted.length) / 100
        const exact = Math.ceil(position)
        const at = (i: number) => sorted[Math.min(Math.max(i, 0), sorted.length - 1)] ?? NaN
        const right = Number.isInteger(position) && position > 0 ? (at(exact - 1) + at(exact)) / 2 : at(exact - 1)
        expect(weightedQuantile(values, percent / 100)).toBe(right)
      }),
    )
  })
})

describe('fitLine', () => {
  const points = (...pairs: readonly (readonly [number, number])[]) => pairs.map(([x, y]) => ({ x, y, weight: 1 }))

  it('finds the line that most points lie on', () => {
    const { intercept, slope } = fitLine(
      points([1, 12], [2, 14], [3, 16], [4, 900], [5, 20], [6, 0], [7, 24], [8, 26], [9, 28]),
    )
    expect(slope).toBeCloseTo(2)
    expect(intercept).toBeCloseTo(10)
  })

  it('never falls, and never starts below 0', () => {
    expect(fitLine(points([1, 30], [2, 20], [3, 10]))).toEqual({ slope: 0, intercept: 20 })
    expect(fitLine(points([10, 10], [20, 30], [30, 50]))).toMatchObject({ intercept: 0 })
  })

  it('goes through the middle of points of one size, half of it fixed', () => {
    expect(fitLine(points([10, 90], [10, 100], [10, 120]))).toEqual({ slope: 5, intercept: 50 })
  })
})
