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

/** Tokens that may be drawn. */
export interface Candidates {
  readonly ids: Int32Array
  /** What each counts; in the order of the ids. */
  readonly weights: Float64Array
}

/** The logits of the candidates fall into so many equal parts of their range; only the last part that is needed is sorted. */
const partCount = 2048

/**
 * The fewest largest candidates whose weights make up `limit`; of equal logits, those with smaller ids first. Two passes over
 * all, one sort of a few.
 *
 * @param range - that all candidates' logits are in
 */
export function keepLargest(
  { ids, weights }: Candidates,
  logits: Float32Array,
  { max, min }: Pick<Extremes, 'max' | 'min'>,
  limit: number,
): Candidates {
  const scale = max > min ? (partCount - 1) / (max - min) : 0
  const parts = new Uint16Array(ids.length)
  const sums = new Float64Array(partCount)
  for (let at = 0; at < ids.length; at += 1) {
    const part = ((max - (logits[ids[at] ?? 0] ?? 0)) * scale) | 0
    parts[at] = part
    sums[part] = (sums[part] ?? 0) + (weights[at] ?? 0)
  }
  let above = 0
  let last = 0
  while (last < partCount - 1 && above + (sums[last] ?? 0) < limit) above += sums[last++] ?? 0
  const kept: number[] = []
  const border: number[] = []
  for (let at = 0; at < parts.length; at += 1) {
    const part = parts[at] ?? 0
    if (part < last) kept.push(at)
    else if (part === last) border.push(at)
  }
  const logitAt = (at: number) => logits[ids[at] ?? 0] ?? 0
  border.sort((a, b) => logitAt(b) - logitAt(a) || a - b)
  for (let at = 0; at < border.length && above < limit; at += 1) {
    const next = border[at] ?? 0
    above += weights[next] ?? 0
    kept.push(next)
  }
  return {
    ids: Int32Array.from({ length: kept.length }, (_, at) => ids[kept[at] ?? 0] ?? 0),
    weights: Float64Array.from({ length: kept.length }, (_, at) => weights[kept[at] ?? 0] ?? 0),
  }
}
