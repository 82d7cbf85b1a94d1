/** Sees that runs have lastingly become slower or faster: a throttled CPU, another route to an endpoint. */
import { weightedQuantile, type Line, type WeightedPoint } from '../shared/index.js'

/** So many runs in a row make a change lasting; fewer may be accidents. */
const leastRuns = 4
/** Smaller changes are left to the weights, which follow within a few runs. */
const leastFactor = 1.4
/** What runs from before a change still count, brought to the level of now: they know the shape of the line. */
const weightBefore = 0.25
/** The newest runs that are searched for a change, least first: the last of several changes is the one that counts. */
const windows = [2 * leastRuns, 4 * leastRuns, 8 * leastRuns]
/** How far a single run can speak for a change: twice as slow, or as fast. */
const clip = Math.log(2)
/** Times below the resolution of the browsers' clocks are the same. */
const resolutionMs = 0.05

/** What was measured ÷ what the line says. */
export function ratioTo({ intercept, slope }: Line, { x, y }: WeightedPoint): number {
  return (y + resolutionMs) / (intercept + slope * x + resolutionMs)
}

/** The same points where their level has not changed; else those from before multiplied up or down to the new level. */
export function atLevelOfNow(points: readonly WeightedPoint[], line: Line): readonly WeightedPoint[] {
  const ratios = points.map((point) => ratioTo(line, point))
  for (const window of windows) {
    const from = Math.max(0, points.length - window)
    const change = changeAmong(ratios.slice(from))
    if (change === undefined) continue
    return points.map((point, i) => {
      if (i >= from + change.at) return point
      return { x: point.x, y: point.y * change.factor, weight: point.weight * weightBefore }
    })
  }
  return points
}

interface Change {
  /** The first after it. */
  readonly at: number
  readonly factor: number
}

function changeAmong(ratios: readonly number[]): Change | undefined {
  const at = likeliestChange(ratios)
  if (at === undefined) return undefined
  const before = quartiles(ratios.slice(0, at))
  const after = quartiles(ratios.slice(at))
  const factor = after.median / before.median
  const isSlower = factor >= leastFactor && after.lower > before.upper
  const isFaster = factor <= 1 / leastFactor && after.upper < before.lower
  return isSlower || isFaster ? { at, factor } : undefined
}

/** Where the cumulated differences from the mean are furthest from 0 (CUSUM; E. S. Page, Biometrika 41, 1954). */
function likeliestChange(ratios: readonly number[]): number | undefined {
  const logs = ratios.map((ratio) => Math.max(-clip, Math.min(clip, Math.log(ratio))))
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length
  let cumulated = 0
  let furthest = 0
  let at: number | undefined
  for (const [i, log] of logs.entries()) {
    if (i >= leastRuns && i <= logs.length - leastRuns && Math.abs(cumulated) > furthest) {
      furthest = Math.abs(cumulated)
      at = i
    }
    cumulated += log - mean
  }
  return at
}

function quartiles(ratios: readonly number[]) {
  const weighted = ratios.map((value) => ({ value, weight: 1 }))
  const [lower, median, upper] = [0.25, 0.5, 0.75].map((share) => weightedQuantile(weighted, share))
  return { lower: lower ?? 0, median: median ?? 0, upper: upper ?? 0 }
}
