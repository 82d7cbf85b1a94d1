/** Decides whether a request for a chunk that failed is worth another try, and when. */
import { isEdgewardError, type EdgewardError } from '../errors/index.js'
import { abortable } from '../shared/index.js'

/** What went wrong with a request, as `details.problem` of a download's errors says. */
export type DownloadProblem =
  /** No answer, or one that broke off. */
  | 'network'
  /** No byte came for too long. */
  | 'stalled'
  /** The body ended early. */
  | 'short'
  /** Status 408, 429 or 5xx. */
  | 'busy'
  /** Any other status that is no success. */
  | 'refused'
  /** Not the file: a page, or another range. */
  | 'wrong-answer'
  /** The file is no longer the one that the chunk's first bytes came from. */
  | 'changed'
  /** The digest is wrong, for the first time. */
  | 'damaged'
  /** The digest is wrong, for the second time at one mirror. */
  | 'wrong-bytes'

/** Whether asking the same server again may help. */
const isPassing: Readonly<Record<DownloadProblem, boolean>> = {
  network: true,
  stalled: true,
  short: true,
  busy: true,
  changed: true,
  damaged: true,
  refused: false,
  'wrong-answer': false,
  'wrong-bytes': false,
}

export interface RetrySettings {
  /** How many requests in a row may fail for one chunk at one mirror. */
  readonly maxTries: number
  /** The longest wait after the first failure; doubles with each one after. */
  readonly retryBaseMs: number
  /** The longest wait after any failure, unless the server asks for more. */
  readonly retryMaxMs: number
  /** The longest wait that a server may ask for by `Retry-After`; one that asks for more is not waited for. */
  readonly maxRetryAfterMs: number
}

/**
 * How long to wait before the same server is asked again, in milliseconds, or undefined when it should not be.
 *
 * @param tries How many tries have failed, this one included.
 * @param random A number from 0 to 1. The wait is "full jitter" (M. Brooker, "Exponential Backoff And Jitter", AWS
 *   Architecture Blog, 2015), so that lanes and tabs that failed together do not come back together.
 */
export function retryDelayMs(
  error: EdgewardError,
  tries: number,
  settings: RetrySettings,
  random: () => number = Math.random,
): number | undefined {
  const { problem, retryAfterMs } = error.details as { problem: DownloadProblem; retryAfterMs?: number }
  if (!isPassing[problem] || tries >= settings.maxTries) return undefined
  const most = Math.min(settings.retryMaxMs, settings.retryBaseMs * 2 ** (tries - 1))
  const delay = random() * most
  if (retryAfterMs === undefined) return delay
  return retryAfterMs > settings.maxRetryAfterMs ? undefined : retryAfterMs + delay
}

/** Whether this is a failure of a download, which has a {@link DownloadProblem}; not an abort, not a fault of ours. */
export function isDownloadFailure(error: unknown): error is EdgewardError {
  return isEdgewardError(error) && 'problem' in error.details
}

/** Resolves after `delayMs`; rejects with `signal.reason` at once when that comes first. */
export async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    await abortable(new Promise<void>((resolve) => (timer = setTimeout(resolve, delayMs))), signal)
  } finally {
    clearTimeout(timer)
  }
}
