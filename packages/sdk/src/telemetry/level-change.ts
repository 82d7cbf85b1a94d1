/** Sees that runs have lastingly become slower or faster: a throttled CPU, another route to an endpoint. */
import { fitLine, weightedQuantile, type Line, type WeightedPoint } from '../shared/index.js'

/** So many runs in a row make a change lasting; fewer may be accidents. */
const leastRuns = 4
/** And so many before them: fewer do not tell how they depend on the size, so that other sizes look like a change. */
const leastRunsBefore = 6
/** Smaller changes are left to the weights, which follow within a few runs. */
const leastFactor = 1.4
/** What runs from before a change still count, brought to the level of now: they know the shape of the line. */
const weightBefore = 0.25
/** The newest runs that are searched for a change, least first: the last of several changes is the one that counts. */
const windows = [4 * leastRuns, 8 * leastRuns]
/** How far a single run can speak for a change: twice as slow, or as fast. */
const clip = Math.log(2)
/** Times below the resolution of the browsers' clocks are the same. */
const resolutionMs = 0.05

/** What was measured ÷ what the line says. */
export function ratioTo({ intercept, slope }: Line, { x, y }: WeightedPoint): number {
  return (y + resolutionMs) / (intercept + slope * x + resolutionMs)
}

/** Points of one level, and how many times as high it is as the one before it; 1: it has not changed. */
export interface Levelled {
  readonly points: readonly WeightedPoint[]
  readonly factor: number
}

/**
 * The same points where their level has not changed; else those from before multiplied up or down to the new level.
 *
 * @param line - fitted to all of them
 */
export function atLevelOfNow(points: readonly WeightedPoint[], line: Line): Levelled {
  let best: Change | undefined
  for (const at of possibleChanges(points, line)) {
    const change = changeAt(points, at)
    if (change && change.unexplained < (best?.unexplained ?? Infinity)) best = change
  }
  if (best === undefined) return { points, factor: 1 }
  const { at, factor } = best
  const levelled = points.map((point, i) => {
    if (i >= at) return point
    return { x: point.x, y: point.y * factor, weight: point.weight * weightBefore }
  })
  return { points: levelled, factor }
}

interface Change {
  /** The first run after it. */
  readonly at: number
  /** How many times as slow they are from then on. */
  readonly factor: number
  /** What it leaves of the differences between runs, in logarithms: the likeliest change leaves least. */
  readonly unexplained: number
}

/** It is a change if all but a quarter of the runs from `at` on lie beyond all but a quarter of those before. */
function changeAt(points: readonly WeightedPoint[], at: number): Change | undefined {
  const line = fitLine(points.slice(0, at))
  const ratios = points.map((point) => ratioTo(line, point))
  const before = spreadOf(ratios.slice(0, at))
  const after = spreadOf(ratios.slice(at))
  const factor = after.median / before.median
  const isSlower = factor >= leastFactor && after.lower > before.upper
  const isFaster = factor <= 1 / leastFactor && after.upper < before.lower
  return isSlower || isFaster ? { at, factor, unexplained: before.deviation + after.deviation } : undefined
}

/** Where a change may have been: where the ratios tell, or, while they cannot yet, just before the fewest runs that make one. */
function possibleChanges(points: readonly WeightedPoint[], line: Line): readonly number[] {
  const newest = points.length - leastRuns
  if (newest < leastRunsBefore) return []
  const found = new Set<number>()
  const ratios = points.map((point) => ratioTo(line, point))
  for (const window of windows) {
    const from = Math.max(0, points.length - window)
    const at = likeliestChange(ratios.slice(from))
    if (at !== undefined && from + at >= leastRunsBefore) found.add(from + at)
  }
  return [...found.add(newest)]
}

/**
 * Where the cumulated differences from the mean are furthest from 0 (CUSUM; E. S. Page, Biometrika 41, 1954), if they are
 * as far as the least change makes them that just has the fewest runs on both sides.
 */
function likeliestChange(ratios: readonly number[]): number | undefined {
  const logs = ratios.map((ratio) => Math.max(-clip, Math.min(clip, Math.log(ratio))))
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length
  let cumulated = 0
  let furthest = (leastRuns / 2) * Math.log(leastFactor)
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

function spreadOf(ratios: readonly number[]) {
  const weighted = ratios.map((value) => ({ value, weight: 1 }))
  const at = (share: number) => weightedQuantile(weighted, share)
  const median = at(0.5)
  const deviation = ratios.reduce((sum, ratio) => sum + Math.abs(Math.log(ratio / median)), 0)
  return { lower: at(0.25), median, upper: at(0.75), deviation }
}
