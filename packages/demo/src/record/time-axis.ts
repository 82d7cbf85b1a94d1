/** The axis that all times of the plot share: logarithmic, since a placement takes between milliseconds and minutes. */

const firstMs = 5
const lastMs = 600_000

/** Where the axis is labelled. */
export const ticks = [
  { ms: 10, label: '10 ms' },
  { ms: 100, label: '100 ms' },
  { ms: 1_000, label: '1 s' },
  { ms: 10_000, label: '10 s' },
  { ms: 60_000, label: '1 min' },
] as const

/** Where a time stands, in percent of the axis; what lies beyond an end stands at it. */
export function positionOf(ms: number): number {
  const share = Math.log(Math.max(ms, firstMs) / firstMs) / Math.log(lastMs / firstMs)
  return 100 * Math.min(1, share)
}
