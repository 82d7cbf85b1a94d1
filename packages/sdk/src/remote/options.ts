/** What a caller may say about an endpoint, and what holds when they do not. */

export interface RemoteOptions {
  /** Open Inference Protocol v2: Triton, KServe, MLServer, OpenVINO Model Server, and Edgeward's own endpoint. */
  readonly protocol: 'oip'
  /** Where the endpoint is; a path is kept: `https://host/base` means `https://host/base/v2/…`. Never credentials. */
  readonly url: string | URL
  /** Sent with every request; a function is asked each time, so that a token can be renewed. */
  readonly headers?: RequestHeaders
  /** How long one request to the endpoint may take, from the headers function to the last byte. Default: {@link remoteDefaults}. */
  readonly timeoutMs?: number
  /** The most bytes of an answer that are read. Default: {@link remoteDefaults}. */
  readonly maxResponseBytes?: number
  /**
   * Whether tensors travel as bytes instead of JSON. Default: {@link remoteDefaults}. An endpoint that refuses the first such request is
   * sent JSON from then on.
   */
  readonly binary?: boolean
  /**
   * Whether the endpoint is asked for its load with every request (ORCA's header `endpoint-load-metrics-format`). Default:
   * {@link remoteDefaults}. An endpoint that does not allow this page to send the header is not asked again.
   */
  readonly loadReports?: boolean
}

export type RequestHeaders =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>)

/** The defaults of {@link RemoteOptions}. */
export const remoteDefaults = Object.freeze({
  headers: Object.freeze({}) as Readonly<Record<string, string>>,
  timeoutMs: 30_000,
  maxResponseBytes: 256 * 1024 * 1024,
  binary: true,
  loadReports: true,
})
