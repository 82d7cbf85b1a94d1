/** The closed list of error codes, and what each one means for the request that met it. */

/**
 * What the router does with a request that failed with a code.
 *
 * - `placement`: the next placement of the plan may still answer.
 * - `engine`: every other placement of the same engine would fail alike; the next engine may answer.
 * - `final`: nobody else would answer better; the caller gets the error.
 */
export type Fallback = 'placement' | 'engine' | 'final'

interface CodeRule {
  /** Whether the same placement may succeed when asked again. */
  readonly retryable: boolean
  readonly fallback: Fallback
  /**
   * Whether the placement was lost under the request, which is tried there once more: something fresh stands in its place.
   * Who is ready at once is asked before.
   */
  readonly replayed: boolean
}

const rule = (fallback: Fallback, retryable = false, replayed = false): CodeRule => ({ retryable, fallback, replayed })

/** Every code, with its rule. `docs/errors.md` explains when each one appears and what to do about it. */
export const errorRules = Object.freeze({
  // The caller's side.
  INVALID_OPTION: rule('final'),
  INVALID_INPUT: rule('final'),
  UNSUPPORTED_TASK: rule('final'),
  DISPOSED: rule('final'),
  DEADLINE_EXCEEDED: rule('final'),

  // The model's side.
  MANIFEST_NOT_FOUND: rule('engine'),
  MANIFEST_INVALID: rule('engine'),
  DOWNLOAD_FAILED: rule('engine', true),
  INTEGRITY: rule('engine'),
  NOT_CACHED: rule('engine'),
  MODEL_UNSUPPORTED: rule('engine'),
  CONTEXT_OVERFLOW: rule('engine'),

  // The device's side.
  DEVICE_UNSUPPORTED: rule('engine'),
  WORKER_UNAVAILABLE: rule('engine', true),
  WORKER_DIED: rule('placement', true, true),
  BACKEND_UNAVAILABLE: rule('placement'),
  RUNTIME_FAILED: rule('placement'),
  SESSION_FAILED: rule('placement'),
  CANARY_FAILED: rule('placement'),
  GPU_LOST: rule('placement', true, true),
  OUT_OF_MEMORY: rule('placement'),
  RUN_FAILED: rule('placement'),
  OUTPUT_INVALID: rule('placement'),
  QUEUE_FULL: rule('engine', true),

  // The endpoint's side.
  REMOTE_UNREACHABLE: rule('placement', true),
  REMOTE_UNAUTHORIZED: rule('placement'),
  REMOTE_NOT_FOUND: rule('placement'),
  REMOTE_REJECTED: rule('placement'),
  REMOTE_OVERLOADED: rule('placement', true),
  REMOTE_FAILED: rule('placement'),
  REMOTE_MALFORMED: rule('placement'),
  UNSUPPORTED_DTYPE: rule('placement'),

  // The whole plan's side.
  NO_PLACEMENT: rule('final'),
  ALL_PLACEMENTS_FAILED: rule('final'),
  INTERNAL: rule('placement'),
}) satisfies Readonly<Record<string, CodeRule>>

/** One of the closed list of codes an {@link EdgewardError} can carry. */
export type ErrorCode = keyof typeof errorRules
