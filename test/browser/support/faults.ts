/** What the tests' file server can be told to do wrong, and what it remembers of each request. */

/** One way to misbehave. Several can hold for one request: `ignore-range` with `flip-byte`, for example. */
type FaultKind =
  /** Answers 200 with the whole file whatever was asked for. */
  | { readonly kind: 'ignore-range' }
  /** Sends the file with the byte at this offset of the file inverted. */
  | { readonly kind: 'flip-byte'; readonly at: number }
  /** Sends a body that is shorter than asked for by `missing` bytes, with headers that agree with it. */
  | { readonly kind: 'short-body'; readonly missing: number }
  /** Sends a body that is longer than asked for by `extra` bytes, with headers that agree with it. */
  | { readonly kind: 'long-body'; readonly extra: number }
  /** Promises the whole body and destroys the connection after some bytes of it. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** Promises the whole body and sends no more after some bytes of it. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** Sends the whole body in as many pieces, each this long after the one before. */
  | { readonly kind: 'drip'; readonly pieces: number; readonly everyMs: number }
  /** Accepts the request and never answers. */
  | { readonly kind: 'silence' }
  /** Answers with this status, and with `Retry-After` if it is given. */
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string }
  /** Says by these validators which content it sends; honours `If-Range`. Without it, there are none. */
  | { readonly kind: 'validator'; readonly etag?: string; readonly lastModified?: string }
  /** Answers 200 with a page, as servers of single-page applications do for what they do not have. */
  | { readonly kind: 'html' }
  /** Sends the browser to the same file at another address. */
  | { readonly kind: 'redirect' }
  /** Compresses: the whole file with 200, or (against the rules) a range with 206. */
  | { readonly kind: 'gzip' }
  /** Sends the right bytes and says that they are others. */
  | { readonly kind: 'wrong-content-range' }
  /** Does not expose any header to pages of another origin. */
  | { readonly kind: 'hide-headers' }
  /** Lets the browser keep the answer in its HTTP cache. */
  | { readonly kind: 'cacheable' }
  /** Answers nobody before this many requests wait at the same time. */
  | { readonly kind: 'gather'; readonly count: number }

/** A fault, and for which requests of its path it holds: `times` of them (all, if absent) after the first `skip`. */
export type Fault = FaultKind & { readonly skip?: number; readonly times?: number }

/** What the server remembers of a request for a file. */
export interface LoggedRequest {
  readonly range: string | null
  readonly ifRange: string | null
  status: number
  sentBytes: number
  /** Whether the connection has taken all of the answer: not while the browser does not read what fills its buffers. */
  finished: boolean
  /** Whether the browser closed the connection before the answer had ended. */
  abandoned: boolean
}
