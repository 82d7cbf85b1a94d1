/** What a replay comes to, in the numbers of the table. */
import { isFit, type Ended, type Replay } from './replay.js'

export interface Summary {
  readonly requests: number
  /** Milliseconds; a request that failed took for ever. */
  readonly p50Ms: number
  readonly p95Ms: number
  readonly downloadedBytes: number
  readonly bytesPerVisit: number
  /** Of the requests, 0 to 1. */
  readonly localShare: number
  /** Of the requests of devices that are as fast as the endpoint. */
  readonly localShareOfFit: number
  readonly failed: number
  /** Times that the endpoint said no; and those that it said to a device which could have answered at once. */
  readonly refused: number
  readonly refusedReady: number
}

export function summarise({ requests, downloads, ...refusals }: Replay): Summary {
  const times = requests.map(({ isAnswered, ms }) => (isAnswered ? ms : Infinity)).sort((a, b) => a - b)
  const downloadedBytes = downloads.reduce((sum, bytes) => sum + bytes, 0)
  return {
    requests: requests.length,
    p50Ms: quantile(times, 0.5),
    p95Ms: quantile(times, 0.95),
    downloadedBytes,
    bytesPerVisit: downloadedBytes / downloads.length,
    localShare: localShare(requests),
    localShareOfFit: localShare(requests.filter(({ visit }) => isFit(visit))),
    failed: requests.filter(({ isAnswered }) => !isAnswered).length,
    ...refusals,
  }
}

export function localShare(requests: readonly Ended[]): number {
  return requests.filter(({ isLocal }) => isLocal).length / Math.max(1, requests.length)
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN
}
