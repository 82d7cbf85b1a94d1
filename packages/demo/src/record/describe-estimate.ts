/** Says in words what a placement is expected to take, what that rests on, and how near it is. */
import type { Estimate, PlannedPlacement } from 'edgeward'
import { count, formatBytes, formatDuration } from '../format.js'

/** `measured, 12 runs`. */
export function describeBasis({ basis, samples }: Estimate): string {
  switch (basis) {
    case 'measured':
      return `measured, ${count(samples, 'run')}`
    case 'benchmark':
      return 'guessed from this device’s speed'
    case 'assumed':
      return 'assumed'
  }
}

/**
 * `on its way: 43 %`.
 *
 * @param loadedShare - of the model's bytes, 0 to 1, while it is loaded; undefined while that cannot be said
 */
export function describeReadiness(
  { readiness, estimate, missingBytes = estimate.downloadBytes }: PlannedPlacement,
  loadedShare: number | undefined,
): string {
  switch (readiness) {
    case 'ready':
      return 'ready'
    case 'loading':
      if (loadedShare === undefined) return 'on its way'
      return loadedShare < 1 ? `on its way: ${Math.floor(100 * loadedShare)} %` : 'here, starting'
    case 'cached':
      return 'in the cache'
    case 'absent':
      return `would have to be fetched: ${formatBytes(missingBytes)}`
  }
}

/** What the plot shows of a placement, for those who do not see it. */
export function describePlot({ totalMs, readyMs }: Estimate, times: readonly number[]): string {
  const expected = `Estimate: ${formatDuration(totalMs.typical)}, rarely over ${formatDuration(totalMs.high)}`
  const wait = readyMs.typical < 1 ? '' : `, of which ${formatDuration(readyMs.typical)} until it is ready`
  return `${expected}${wait}. ${describeTimes(times)}`
}

function describeTimes(times: readonly number[]): string {
  const newest = times.at(-1)
  if (newest === undefined) return 'No request has been answered here yet.'
  if (times.length === 1) return `The only request so far took ${formatDuration(newest)}.`
  const [least, most] = [Math.min(...times), Math.max(...times)].map(formatDuration)
  return `The last ${times.length} requests took ${least} to ${most}, the newest ${formatDuration(newest)}.`
}
