/** Finds the likeliest tokens without sorting all. */
import { EdgewardError } from '../../errors/index.js'

/** The range of some logits. */
export interface Extremes {
  /** The id of the largest, the smallest id of equals. */
  readonly best: number
  readonly max: number
  /** The smallest that is finite. */
  readonly min: number
}

/** @throws EdgewardError OUTPUT_INVALID when a logit is no number, or none is finite */
export function extremes(logits: Float32Array): Extremes {
  let best = -1
  let max = -Infinity
  let min = Infinity
  let sum = 0 // Becomes NaN with any logit that is; cheaper than asking each.
  for (let id = 0; id < logits.length; id += 1) {
    const logit = logits[id] ?? NaN
    if (logit > max) {
      max = logit
      best = id
    }
    if (logit < min && logit > -Infinity) min = logit
    sum += logit
  }
  if (best < 0 || max === Infinity || Number.isNaN(sum)) throw invalid(max)
  return { best, max, min }
}

/** @throws as {@link extremes} */
export const greedy = (logits: Float32Array): number => extremes(logits).best

function invalid(max: number): EdgewardError {
  const problem =
    max === -Infinity ? 'none of a position’s logits is finite' : 'a position’s logits have NaN or infinity among them'
  return new EdgewardError('OUTPUT_INVALID', `The language model’s output is wrong: ${problem}.`)
}

/** Tokens that may be drawn, in no order. */
export type Candidates = Int32Array

/** The logits of the candidates fall into so many equal parts of their range; only the last part that is needed is sorted. */
const parts = 2048

/**
 * The fewest largest candidates whose weights make up `limit`; of equal logits, those with smaller ids first. A few passes over
 * all, one sort of a few.
 *
 * @param range - that all candidates' logits are in
 * @param weights - by id; absent: 1 for all, which keeps `limit` tokens
 */
export function keepLargest(
  candidates: Candidates,
  logits: Float32Array,
  { max, min }: Pick<Extremes, 'max' | 'min'>,
  limit: number,
  weights?: Float64Array,
): Candidates {
  const scale = max > min ? (parts - 1) / (max - min) : 0
  const partOf = (id: number) => Math.trunc((max - (logits[id] ?? 0)) * scale)
  const sums = new Float64Array(parts)
  for (const id of candidates) {
    const part = partOf(id)
    sums[part] = (sums[part] ?? 0) + (weights ? (weights[id] ?? 0) : 1)
  }
  let above = 0
  let last = 0
  while (last < parts - 1 && above + (sums[last] ?? 0) < limit) {
    above += sums[last] ?? 0
    last += 1
  }
  const kept = candidates.filter((id) => partOf(id) < last)
  const border = candidates.filter((id) => partOf(id) === last)
  return joined(kept, firstUpTo(sorted(border, logits), limit - above, weights))
}

/** The candidates, largest logit first. */
export function sorted(candidates: Candidates, logits: Float32Array): Candidates {
  return candidates.slice().sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b)
}

function firstUpTo(candidates: Candidates, limit: number, weights?: Float64Array): Candidates {
  let sum = 0
  let count = 0
  while (count < candidates.length && sum < limit) {
    sum += weights ? (weights[candidates[count] ?? 0] ?? 0) : 1
    count += 1
  }
  return candidates.subarray(0, count)
}

function joined(first: Candidates, second: Candidates): Candidates {
  const all = new Int32Array(first.length + second.length)
  all.set(first)
  all.set(second, first.length)
  return all
}
