/** What a benchmark says about its samples. */

/** @param {readonly number[]} samples */
export function median(samples) {
  return quantile(samples, 0.5)
}

/** The ends of the middle half. @param {readonly number[]} samples @returns {[lower: number, upper: number]} */
export function quartiles(samples) {
  return [quantile(samples, 0.25), quantile(samples, 0.75)]
}

/** Between two samples, in proportion (the method of R's default, type 7). @param {readonly number[]} samples @param {number} part */
function quantile(samples, part) {
  const sorted = [...samples].sort((a, b) => a - b)
  const position = (sorted.length - 1) * part
  const lower = sorted[Math.floor(position)] ?? NaN
  const upper = sorted[Math.ceil(position)] ?? NaN
  return lower + (upper - lower) * (position - Math.floor(position))
}
