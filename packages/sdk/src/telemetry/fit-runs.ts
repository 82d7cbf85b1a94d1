/** Makes of measured runs what the next one will take; pure. */
import type { Range, RunFit, Sample } from '../contract/index.js'
import { fitLine, weightedMedian, weightedQuantile, type Weighted } from '../shared/index.js'
import { atLevelOfNow, ratioTo } from './level-change.js'

/** Each newer sample takes a tenth of a sample's weight away, and each day between them half. */
const weightOfNextOlder = 0.9
const dayMs = 24 * 60 * 60 * 1000
/** A sample of last year still counts, if there is no other. */
const leastWeight = 1e-6
/** One sample alone that is so many times the next largest is an accident. */
const accident = 2
/** With so many samples, a 95th percentile can be seen. */
const samplesForHigh = 20
/** Each of so many newest runs shows that the machine has become slower. */
const runsOfDrift = 3
const leastRunsForDrift = 6

/** A fit of runs, oldest first; undefined of none. */
export function fitRuns(runs: readonly Sample[]): RunFit | undefined {
  const newest = runs.at(-1)
  if (newest === undefined) return undefined
  const weights = weightsOf(runs)
  const points = runs.map(({ units, ms }, i) => ({ x: units, y: ms, weight: weights[i] ?? 0 }))
  const line = fitLine(points)
  const { points: levelled, factor } = atLevelOfNow(points, line)
  const now = levelled === points ? line : fitLine(levelled)
  const ratios = levelled.map((point) => ratioTo(now, point))
  return {
    fixedMs: now.intercept,
    unitMs: now.slope,
    highFactor: highFactorOf(ratios.map((value, i) => ({ value, weight: levelled[i]?.weight ?? 0 }))),
    samples: runs.length,
    drift: driftOf(ratios),
    ...(factor !== 1 && { levelChange: factor }),
    lastAt: newest.at,
  }
}

/** What a load takes, whatever its bytes were: they are those of the variant. */
export function rangeOfLoads(loads: readonly Sample[]): Range | undefined {
  if (loads.length === 0) return undefined
  const weights = weightsOf(loads)
  const weighted = loads.map(({ ms }, i) => ({ value: ms, weight: weights[i] ?? 0 }))
  const typical = weightedMedian(weighted)
  if (typical === 0) return { typical, high: 0 }
  const highFactor = highFactorOf(weighted.map(({ value, weight }) => ({ value: value / typical, weight })))
  return { typical, high: typical * highFactor }
}

/** Newer samples weigh more. The newest has weight 1. */
function weightsOf(samples: readonly Sample[]): readonly number[] {
  const newestAt = samples.at(-1)?.at ?? 0
  return samples.map(({ at }, i) => {
    const days = Math.max(0, newestAt - at) / dayMs
    return Math.max(leastWeight, weightOfNextOlder ** (samples.length - 1 - i) * 0.5 ** days)
  })
}

/**
 * The 95th percentile of measured ÷ expected, at least 1. A single accident is left out: it would stand for the 95th
 * percentile until it is forgotten. The fewer the samples, the less they know of it: like a standard error, what they are
 * multiplied with falls with the root of their number, from 2 at one sample to 1 at twenty.
 */
function highFactorOf(ratios: Weighted[]): number {
  const atTwenty = 1 / Math.sqrt(samplesForHigh)
  const unknown = Math.max(0, (1 / Math.sqrt(ratios.length) - atTwenty) / (1 - atTwenty))
  ratios.sort((a, b) => a.value - b.value)
  const [secondLargest, largest] = ratios.slice(-2)
  if (secondLargest && largest && largest.value > accident * secondLargest.value) ratios.pop()
  return Math.max(1, weightedQuantile(ratios, 0.95)) * (1 + unknown)
}

/** The change that all of the newest runs show: of three that are 1.4, 1.5 and 2 times as slow as fitted, 1.4. */
function driftOf(ratios: readonly number[]): number {
  if (ratios.length < leastRunsForDrift) return 1
  const newest = ratios.slice(-runsOfDrift)
  return Math.max(1, Math.min(...newest)) * Math.min(1, Math.max(...newest))
}
