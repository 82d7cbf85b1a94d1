/** Draws a token from what a model holds likely. */
import { extremes, keepLargest, type Candidates } from './largest.js'

/** From which tokens is drawn; see `GenerationOptions`. */
export interface DrawOptions {
  /** Above 0. */
  readonly temperature: number
  readonly topK: number
  readonly topP: number
  readonly minP: number
}

/** Tokens less likely than e^-36 of the likeliest are out of reach of random numbers in steps of 2^-32, all of them together. */
const reach = 36

/**
 * Temperature, then top-k, top-p of what is left, min-p: the order of Hugging Face's `generate`.
 *
 * @param random - 0 (inclusive) to 1 (exclusive)
 * @throws EdgewardError OUTPUT_INVALID when the logits cannot be drawn from
 */
export function draw(logits: Float32Array, { temperature, topK, topP, minP }: DrawOptions, random: number): number {
  const { best, max } = extremes(logits)
  const range = { max, min: max - reach * temperature }
  const within = (candidates: Candidates, limit: number, weights?: Float64Array) =>
    keepLargest(candidates, logits, range, limit, weights)

  let candidates = atLeast(logits, range.min)
  if (topK > 0 && topK < candidates.length) candidates = within(candidates, topK)
  const weights = weigh(candidates, logits, max, temperature)
  if (topP < 1) candidates = within(candidates, topP * sum(candidates, weights), weights)
  if (minP > 0) candidates = candidates.filter((id) => (weights[id] ?? 0) >= minP)
  return pick(candidates, weights, random) ?? best
}

/** The tokens whose logits are no less, by id. */
function atLeast(logits: Float32Array, least: number): Candidates {
  const ids = new Int32Array(logits.length)
  let count = 0
  for (let id = 0; id < logits.length; id += 1) {
    if ((logits[id] ?? -Infinity) >= least) ids[count++] = id
  }
  return ids.subarray(0, count)
}

/** How likely the candidates are, against the likeliest; by id. */
function weigh(candidates: Candidates, logits: Float32Array, max: number, temperature: number): Float64Array {
  const weights = new Float64Array(logits.length)
  for (const id of candidates) weights[id] = Math.exp(((logits[id] ?? 0) - max) / temperature)
  return weights
}

/** The candidate that a share of all weights falls on. */
function pick(candidates: Candidates, weights: Float64Array, share: number): number | undefined {
  let left = share * sum(candidates, weights)
  for (const id of candidates) {
    left -= weights[id] ?? 0
    if (left < 0) return id
  }
  return candidates.at(-1)
}

function sum(candidates: Candidates, weights: Float64Array): number {
  let total = 0
  for (const id of candidates) total += weights[id] ?? 0
  return total
}
