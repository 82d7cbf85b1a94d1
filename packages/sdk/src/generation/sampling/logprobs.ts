/** How likely tokens were to the model, before anything that the options change. */
import type { TokenLogprob } from '../../contract/index.js'
import { extremes, keepLargest, type Extremes } from './largest.js'

/**
 * @param top - how many of the likeliest tokens are told beside the one that was drawn
 * @param textOf - a token's text
 */
export function logprobOf(logits: Float32Array, id: number, top: number, textOf: (id: number) => string): TokenLogprob {
  const range = extremes(logits)
  const total = logSum(logits, range.max)
  const tell = (told: number) => ({ token: textOf(told), id: told, logprob: (logits[told] ?? -Infinity) - total })
  return top === 0 ? tell(id) : { ...tell(id), top: likeliest(logits, range, top).map(tell) }
}

/** Best first. */
function likeliest(logits: Float32Array, range: Extremes, count: number): number[] {
  const all = new Int32Array(logits.length)
  let length = 0
  for (let id = 0; id < logits.length; id += 1) if ((logits[id] ?? 0) >= range.min) all[length++] = id
  const candidates = { ids: all.subarray(0, length), weights: new Float64Array(length).fill(1) }
  const { ids } = keepLargest(candidates, logits, range, count)
  return Array.from(ids).sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b)
}

/** The logarithm of the sum of all likelihoods. */
function logSum(logits: Float32Array, max: number): number {
  let sum = 0
  for (let id = 0; id < logits.length; id += 1) sum += Math.exp((logits[id] ?? -Infinity) - max)
  return max + Math.log(sum)
}
