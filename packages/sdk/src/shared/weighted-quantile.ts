/** Quantiles of values that do not all count the same. */

/** A value, and how much it counts; more than 0. */
export interface Weighted {
  readonly value: number
  readonly weight: number
}

/**
 * The smallest value that at least the share `quantile` (0 to 1) of the weight lies at or below: the inverse of the weighted
 * distribution function. At exactly that share, the mean of it and the next one, so that the median of two is between them.
 * 0 of nothing. Sorts `values` in place.
 */
export function weightedQuantile(values: Weighted[], quantile: number): number {
  values.sort((a, b) => a.value - b.value)
  let total = 0
  for (const { weight } of values) total += weight
  const wanted = quantile * total
  let below = 0
  for (const [i, { value, weight }] of values.entries()) {
    below += weight
    const next = values[i + 1]
    // Sums of floating-point weights: shares that differ by rounding alone are the same.
    if (next !== undefined && Math.abs(below - wanted) < total * 1e-9) return (value + next.value) / 2
    if (below >= wanted || next === undefined) return value
  }
  return 0
}

/** The value in the middle of the weight. Sorts `values` in place. */
export function weightedMedian(values: Weighted[]): number {
  return weightedQuantile(values, 0.5)
}
