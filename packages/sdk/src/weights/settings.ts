/** The numbers that the weights store works by. */

import type { RetrySettings } from './retry.js'

export interface WeightsSettings extends RetrySettings {
  readonly databaseName: string
  /** How long opening the database may take before the store works without it. */
  readonly openDeadlineMs: number
  /** How long one read or write may take before the database counts as hung. */
  readonly operationDeadlineMs: number
  /**
   * How long a server may send no byte, to any request of the worker. The size of a file is never a reason to give up,
   * nor the number of requests: a browser lets them wait while six others to a server (HTTP/1.1) are under way.
   */
  readonly stallMs: number
  /** How many requests a download begins with, and how long it measures what they bring before it changes their number. */
  readonly parallelRequests: number
  readonly throughputWindowMs: number
  /** The bytes of verified chunks that may wait for the database; when more come, the download waits. */
  readonly maxPendingWriteBytes: number
  /** The most bytes of weights that the cache may hold; least recently used models make room for others. */
  readonly maxBytes: number
  /** How long a model counts as verified. Until then, what is stored of its larger files is not hashed when it is read. */
  readonly reverifyAfterMs: number
  /** The size up to which files are cheap to verify: always hashed when they are read. */
  readonly alwaysVerifiedBytes: number
  /** How much of the site's quota is left for others: the page's own data, and what the database itself needs. */
  readonly quotaMarginBytes: number
}

export const weightsDefaults: WeightsSettings = Object.freeze({
  databaseName: 'edgeward-weights',
  openDeadlineMs: 3_000,
  operationDeadlineMs: 20_000,
  stallMs: 20_000,
  maxTries: 4,
  retryBaseMs: 300,
  retryMaxMs: 5_000,
  maxRetryAfterMs: 30_000,
  parallelRequests: 4,
  throughputWindowMs: 1_000,
  maxPendingWriteBytes: 32 * 1024 * 1024,
  maxBytes: Infinity,
  reverifyAfterMs: 7 * 24 * 60 * 60 * 1000,
  alwaysVerifiedBytes: 32 * 1024 * 1024,
  quotaMarginBytes: 16 * 1024 * 1024,
})
