/** Fits a line to points so that a few wild ones do not matter. */
import { weightedMedian, type Weighted } from './weighted-quantile.js'

export interface WeightedPoint {
  /** More than 0. */
  readonly x: number
  /** Not negative. */
  readonly y: number
  /** More than 0. */
  readonly weight: number
}

/** `y = intercept + slope × x`; neither is negative. */
export interface Line {
  readonly intercept: number
  readonly slope: number
}

/** Points whose x differ by less than this factor say nothing of a slope. */
const leastSpread = 1.2

/**
 * The line of Theil and Sen: its slope is the median of the slopes between all pairs of points, its intercept the median of
 * what remains (P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau", JASA 63, 1968). Pairs count by
 * their distance, which gives the smallest variance (L. Jaeckel, Ann. Math. Stat. 43, 1972; G. Sievers, JASA 73, 1978), and
 * by one over their height: times are noisy in proportion to themselves.
 *
 * Where all x are about the same, nothing tells slope and intercept apart. Then each gets half of the median: a prediction
 * for that x is right, and one for an x that is k times as large or as small is at most (k + 1) ÷ 2 times wrong, whichever
 * of the two the truth is.
 */
export function fitLine(points: readonly WeightedPoint[]): Line {
  let lowest = Infinity
  let highest = 0
  for (const { x } of points) {
    if (x < lowest) lowest = x
    if (x > highest) highest = x
  }
  if (highest < lowest * leastSpread) {
    const slope = proportional(points) / 2
    return { slope, intercept: slope * weightedMedian(points.map(({ x, weight }) => ({ value: x, weight }))) }
  }
  const level = weightedMedian(points.map(({ y, weight }) => ({ value: y, weight })))
  const slope = medianSlope(points, level)
  if (slope <= 0) return { slope: 0, intercept: level }
  const intercept = medianIntercept(points, slope, level)
  return intercept < 0 ? { slope: proportional(points), intercept: 0 } : { slope, intercept }
}

function medianSlope(points: readonly WeightedPoint[], level: number): number {
  const least = leastHeight(level)
  const slopes: Weighted[] = []
  for (const [i, a] of points.entries()) {
    for (let j = i + 1; j < points.length; j += 1) {
      const b = points[j]
      if (b === undefined || a.x === b.x) continue
      const weight = (a.weight * b.weight * Math.abs(a.x - b.x)) / (a.y + b.y + least)
      slopes.push({ value: (a.y - b.y) / (a.x - b.x), weight })
    }
  }
  return weightedMedian(slopes)
}

function medianIntercept(points: readonly WeightedPoint[], slope: number, level: number): number {
  const least = leastHeight(level)
  return weightedMedian(points.map(({ x, y, weight }) => ({ value: y - slope * x, weight: weight / (y + least) })))
}

/** The slope of a line through the origin. */
function proportional(points: readonly WeightedPoint[]): number {
  return weightedMedian(points.map(({ x, y, weight }) => ({ value: y / x, weight })))
}

/** Added to heights that weights are divided by: a point that is far too low must not weigh more than all others. */
function leastHeight(level: number): number {
  return level / 3 || 1
}
