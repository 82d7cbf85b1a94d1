/** Policy: what the caller wants of a request's placement. */

/** Where request data may go: `local-only` never leaves the device. */
export type Residency = 'local-only' | 'any'

/** Which engine comes first; the other answers when it fails, unless {@link Residency} forbids it. */
export type Preference = 'device' | 'remote'

/** What is absent is as in the client's policy, and in a client's, as in `clientDefaults`. */
export interface Policy {
  readonly residency?: Residency
  readonly prefer?: Preference
  /**
   * `true`: no request is made at all, neither for weights nor to an endpoint. What is not in the cache ends with
   * `NOT_CACHED`, whose details say what is missing.
   */
  readonly offline?: boolean
}

export type ResolvedPolicy = Required<Policy>
