/** Makes one vector of a text's token vectors. */
import type { Settings } from './settings.js'

/**
 * Pools `hidden`, the row-major [tokens, size] vectors of one text without its padding, as sentence-transformers'
 * Pooling and Normalize modules do: the mean over the tokens or the first token's vector, then optionally divided by
 * its L2 norm (sums in float64).
 */
export function pool(
  hidden: Float32Array,
  size: number,
  { pooling, normalize }: Pick<Settings, 'pooling' | 'normalize'>,
): Float32Array {
  const tokens = pooling === 'cls' ? 1 : hidden.length / size
  const vector = new Float64Array(size)
  for (let token = 0; token < tokens; token += 1) {
    for (let i = 0; i < size; i += 1) vector[i] = (vector[i] ?? 0) + (hidden[token * size + i] ?? 0) / tokens
  }
  const norm = normalize ? Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0)) : 1
  // As sentence-transformers: a vector of zeros stays one.
  return Float32Array.from(vector, (value) => value / Math.max(norm, 1e-12))
}
