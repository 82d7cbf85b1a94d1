/** The numbers that the weights store works by. */

import type { RetrySettings } from './retry.js'

export interface WeightsSettings extends RetrySettings {
  readonly databaseName: string
  /** How long opening the database may take before the store works without it. */
  readonly openDeadlineMs: number
  /** How long one read or write may take before the database counts as hung. */
  readonly operationDeadlineMs: number
  /**
   * How long a server may send no byte. The size of a file is never a reason to give up. It holds for the first answer
   * too: browsers let a request wait while six others to the same server (HTTP/1.1) are under way, which is no stall.
   */
  readonly stallMs: number
  /** How many requests a download begins with, and how long it measures what they bring before it changes their number. */
  readonly parallelRequests: number
  readonly throughputWindowMs: number
  /** The bytes of verified chunks that may wait for the database; when more come, the download waits. */
  readonly maxPendingWriteBytes: number
  /** The most bytes of weights that the cache may hold; least recently used models make room for others. */
  readonly maxBytes: number
  /** How much of the site's quota is left for others: the page's own data, and what the database itself needs. */
  readonly quotaMarginBytes: number
}

export const weightsDefaults: WeightsSettings = Object.freeze({
  databaseName: 'edgeward-weights',
  openDeadlineMs: 3_000,
  operationDeadlineMs: 20_000,
  stallMs: 30_000,
  maxTries: 4,
  retryBaseMs: 300,
  retryMaxMs: 5_000,
  maxRetryAfterMs: 30_000,
  parallelRequests: 4,
  throughputWindowMs: 1_000,
  maxPendingWriteBytes: 32 * 1024 * 1024,
  maxBytes: Infinity,
  quotaMarginBytes: 16 * 1024 * 1024,
})
