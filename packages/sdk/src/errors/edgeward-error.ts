/** The one error class of Edgeward, and the guards that tell errors apart across realms. */
import { errorRules, type ErrorCode, type Fallback } from './codes.js'

const marker = Symbol.for('edgeward.error')

/** Facts about a failure that a program may read: plain data that survives the worker boundary. */
export type ErrorDetails = Readonly<Record<string, unknown>>

export interface EdgewardErrorOptions {
  readonly details?: ErrorDetails
  readonly cause?: unknown
}

/**
 * Every failure that Edgeward reports, except a caller's own abort (which stays the platform's `AbortError`, that is,
 * `signal.reason`).
 *
 * Read {@link EdgewardError.code}; the message is for people and may change.
 */
export class EdgewardError extends Error {
  override readonly name = 'EdgewardError'
  readonly code: ErrorCode
  readonly details: ErrorDetails
  readonly [marker] = true

  constructor(code: ErrorCode, message: string, options: EdgewardErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
  }

  /** Whether the same placement may succeed when asked again. */
  get isRetryable(): boolean {
    return errorRules[this.code].retryable
  }

  /** Whether the placement was lost under the request, which is tried there once more. */
  get isReplayed(): boolean {
    return errorRules[this.code].replayed
  }

  /** What the router does with a request that failed with this error. */
  get fallback(): Fallback {
    return errorRules[this.code].fallback
  }
}

/** Whether `value` is an {@link EdgewardError}, also one of another copy of this module or another realm. */
export function isEdgewardError(value: unknown): value is EdgewardError {
  return typeof value === 'object' && value !== null && marker in value
}

/** Whether `value` is the platform's `AbortError`. */
export function isAbortError(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'name' in value && value.name === 'AbortError'
}

/** What any thrown value says: ONNX Runtime also throws bare numbers and strings. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** The thrown value itself if it is an {@link EdgewardError}, else a new one with `code` that has it as its cause. */
export function toEdgewardError(thrown: unknown, code: ErrorCode, context: string): EdgewardError {
  if (isEdgewardError(thrown)) return thrown
  return new EdgewardError(code, `${context}: ${messageOf(thrown)}`, { cause: thrown })
}
