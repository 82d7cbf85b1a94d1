/** Quantiles of values that do not all count the same. */

/** A value, and how much it counts; more than 0. */
export interface Weighted {
  readonly value: number
  readonly weight: number
}

/**
 * The smallest value that at least the share `quantile` (0 to 1) of the weight lies at or below. At exactly that share, the
 * mean of it and the next larger one, so that the median of two is between them. 0 of nothing.
 *
 * It searches as Hoare's quickselect does (Communications of the ACM 4, 1961), which looks at each value about twice: a fit
 * of a line asks for the median of hundreds of slopes after each request.
 */
export function weightedQuantile(values: readonly Weighted[], quantile: number): number {
  let total = 0
  for (const { weight } of values) total += weight
  // Sums of floating-point weights: shares that differ by rounding alone are the same.
  const rounding = total * 1e-9
  let wanted = quantile * total
  let rest = values
  let larger = Infinity
  for (;;) {
    const pivot = rest[rest.length >> 1]?.value
    if (pivot === undefined) return 0
    const { below, above, belowWeight, equalWeight } = splitAt(rest, pivot)
    if (below.length > 0 && wanted <= belowWeight + rounding) {
      larger = pivot
      rest = below
    } else if (wanted < belowWeight + equalWeight - rounding) return pivot
    else if (wanted <= belowWeight + equalWeight + rounding || above.length === 0) {
      const next = Math.min(larger, smallestOf(above))
      return next === Infinity ? pivot : (pivot + next) / 2
    } else {
      wanted -= belowWeight + equalWeight
      rest = above
    }
  }
}

/** The value in the middle of the weight. */
export function weightedMedian(values: readonly Weighted[]): number {
  return weightedQuantile(values, 0.5)
}

function splitAt(values: readonly Weighted[], pivot: number) {
  const below: Weighted[] = []
  const above: Weighted[] = []
  let belowWeight = 0
  let equalWeight = 0
  for (const weighted of values) {
    if (weighted.value < pivot) {
      below.push(weighted)
      belowWeight += weighted.weight
    } else if (weighted.value > pivot) above.push(weighted)
    else equalWeight += weighted.weight
  }
  return { below, above, belowWeight, equalWeight }
}

function smallestOf(values: readonly Weighted[]): number {
  let smallest = Infinity
  for (const { value } of values) if (value < smallest) smallest = value
  return smallest
}
