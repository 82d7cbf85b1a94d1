/** Policy: what the caller wants of a request's placement. */

/** Where request data may go: `local-only` never leaves the device. */
export type Residency = 'local-only' | 'any'

/**
 * What counts when several placements can answer.
 *
 * - `device`: the device, once the model is ready there and if it is not far slower; until then the endpoint answers,
 *   while the model comes.
 * - `fastest`: whichever is expected to answer first.
 * - `cheapest`: the device, also when it has to be waited for; the endpoint only where the device cannot answer.
 * - `remote`: the endpoint; the device answers when it cannot.
 *
 * Among the device's own placements, the fastest comes first.
 */
export type Preference = 'device' | 'fastest' | 'cheapest' | 'remote'

/** Which requests go first on the device, at every boundary between runs. */
export type Lane = 'interactive' | 'default' | 'background'

/** What is absent is as in the client's policy, and in a client's, as in `clientDefaults`. */
export interface Policy {
  readonly residency?: Residency
  readonly prefer?: Preference
  /**
   * `true`: no request is made at all, neither for weights nor to an endpoint. What is not in the cache ends with
   * `NOT_CACHED`, whose details say what is missing.
   */
  readonly offline?: boolean
  /**
   * Milliseconds from the call to the answer, over all attempts; then the request ends with `DEADLINE_EXCEEDED`.
   * Placements that are expected to miss it come last.
   */
  readonly deadlineMs?: number
  /** Milliseconds from the call to the first output. A wish: placements that are expected to miss it come after others. */
  readonly firstOutputMs?: number
  /** The most bytes of weights that may be downloaded for this model. */
  readonly maxDownloadBytes?: number
  /** The most bytes of memory that models may take on the device; the least recently used make room. */
  readonly maxMemoryBytes?: number
  /**
   * Whether data is to be saved: then weights are downloaded only where no endpoint can answer. `auto`: as the browser says
   * (`navigator.connection.saveData`).
   */
  readonly saveData?: 'auto' | 'on' | 'off'
  /** `low`: the endpoint first, and no work that can wait. `auto`: so while the battery is low. */
  readonly power?: 'auto' | 'low'
  /**
   * How many requests may wait for the device. One more goes to the endpoint, where policy lets it; else it ends with
   * `QUEUE_FULL`.
   */
  readonly maxQueued?: number
  /**
   * Of text: an answer that is written more slowly, in tokens per second, goes on at a placement that is expected to be faster,
   * where there is one. 0: no floor.
   */
  readonly minTokensPerSecond?: number
}

/** Past the door, nothing is absent; no limit is `Infinity`. */
export type ResolvedPolicy = Required<Policy>
