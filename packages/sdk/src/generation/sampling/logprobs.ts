/** How likely tokens were to the model, before anything that the options change. */
import type { TokenLogprob } from '../../contract/index.js'
import { extremes, keepLargest, sorted } from './largest.js'

/**
 * @param top - how many of the likeliest tokens are told beside the one that was drawn
 * @param textOf - a token's text
 */
export function logprobOf(logits: Float32Array, id: number, top: number, textOf: (id: number) => string): TokenLogprob {
  const range = extremes(logits)
  const total = logSum(logits, range.max)
  const tell = (told: number) => ({ token: textOf(told), id: told, logprob: (logits[told] ?? -Infinity) - total })
  if (top === 0) return tell(id)
  const all = Int32Array.from(logits.keys())
  const finite = all.filter((candidate) => (logits[candidate] ?? -Infinity) > -Infinity)
  return { ...tell(id), top: Array.from(sorted(keepLargest(finite, logits, range, top), logits), tell) }
}

/** The logarithm of the sum of all likelihoods. */
function logSum(logits: Float32Array, max: number): number {
  let sum = 0
  for (const logit of logits) sum += Math.exp(logit - max)
  return max + Math.log(sum)
}
