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

/** Tokens less likely than e^-28 of the likeliest are left out: all together, of 150,000, they would be drawn once in ten million. */
const reach = 28

/**
 * Temperature, then top-k, top-p of what is left, min-p: the order of Hugging Face's `generate`.
 *
 * @param random - 0 (inclusive) to 1 (exclusive)
 * @throws EdgewardError OUTPUT_INVALID when the logits cannot be drawn from
 */
export function draw(logits: Float32Array, { temperature, topK, topP, minP }: DrawOptions, random: number): number {
  const { best, max } = extremes(logits)
  const range = { max, min: max - reach * temperature }
  const weightOf = (id: number) => Math.exp(((logits[id] ?? 0) - max) / temperature)

  let ids = atLeast(logits, range.min)
  if (topK > 0 && topK < ids.length) {
    ids = keepLargest({ ids, weights: new Float64Array(ids.length).fill(1) }, logits, range, topK).ids
  }
  let candidates = weigh(ids, weightOf)
  if (topP < 1) candidates = keepLargest(candidates, logits, range, topP * sum(candidates.weights))
  if (minP > 0)
    candidates = weigh(
      candidates.ids.filter((id) => weightOf(id) >= minP),
      weightOf,
    )
  return pick(candidates, random) ?? best
}

/** The tokens whose logits are no less, by id. */
function atLeast(logits: Float32Array, least: number): Int32Array {
  const ids = new Int32Array(logits.length)
  let count = 0
  for (let id = 0; id < logits.length; id += 1) {
    if ((logits[id] ?? -Infinity) >= least) ids[count++] = id
  }
  return ids.subarray(0, count)
}

function weigh(ids: Int32Array, weightOf: (id: number) => number): Candidates {
  const weights = new Float64Array(ids.length)
  for (let at = 0; at < ids.length; at += 1) weights[at] = weightOf(ids[at] ?? 0)
  return { ids, weights }
}

/** The candidate that a share of all weights falls on. */
function pick({ ids, weights }: Candidates, share: number): number | undefined {
  let left = share * sum(weights)
  for (let at = 0; at < ids.length; at += 1) {
    left -= weights[at] ?? 0
    if (left < 0) return ids[at]
  }
  return ids.at(-1)
}

function sum(weights: Float64Array): number {
  let total = 0
  for (let at = 0; at < weights.length; at += 1) total += weights[at] ?? 0
  return total
}
