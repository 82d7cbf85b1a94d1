/** One remote server: its address, its credentials, its time-out, and every way of not getting an answer from it. */
import { EdgewardError, isEdgewardError, messageOf } from '../errors/index.js'
import { abortable } from '../shared/index.js'
import { concatBytes } from './concat-bytes.js'
import { remoteDefaults, type RemoteOptions, type RequestHeaders } from './options.js'
import { silences, Silence, type SilenceReason } from './silence.js'

/** A request to an endpoint. */
export interface EndpointRequest {
  readonly method: 'GET' | 'POST'
  /** Below the endpoint's base path, such as `/v2/health/ready`; encoded already. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array<ArrayBuffer> | string
  /** When the answer is worth nothing any more, by `performance.now()`. */
  readonly deadlineAt?: number
}

/** An endpoint's answer, read to its end, whatever its status. */
export interface EndpointAnswer {
  /** What was asked, without query. */
  readonly url: string
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array<ArrayBuffer>
}

type EndpointOptions = Pick<RemoteOptions, 'url' | 'headers' | 'timeoutMs' | 'maxResponseBytes'>

/** A server that speaks one protocol over `fetch`. */
export class Endpoint {
  /** The address as given, made absolute. */
  readonly url: string
  readonly #headers: RequestHeaders
  readonly #timeoutMs: number
  readonly #maxResponseBytes: number
  readonly #silence: Silence

  /** @throws EdgewardError `INVALID_OPTION` for an address that cannot be used. */
  constructor(options: EndpointOptions) {
    this.url = parseUrl(options.url).href
    this.#headers = options.headers ?? remoteDefaults.headers
    this.#timeoutMs = options.timeoutMs ?? remoteDefaults.timeoutMs
    this.#maxResponseBytes = options.maxResponseBytes ?? remoteDefaults.maxResponseBytes
    this.#silence = new Silence(this.url)
  }

  /**
   * Sends a request and reads the answer.
   *
   * @throws `signal.reason` when the caller aborts; EdgewardError `REMOTE_UNREACHABLE` when no complete answer came in
   * time (`details.reason` says why, see {@link silences}; `details.status` is there when an answer had begun),
   * `DEADLINE_EXCEEDED` when that time was the request's own, `REMOTE_MALFORMED` when it is too long, `REMOTE_UNAUTHORIZED`
   * when the headers function failed.
   */
  async request(request: EndpointRequest, signal: AbortSignal): Promise<EndpointAnswer> {
    signal.throwIfAborted()
    const target = new URL(this.url)
    target.pathname = target.pathname.replace(/\/+$/, '') + request.path
    const url = target.origin + target.pathname
    const leftMs = (request.deadlineAt ?? Infinity) - performance.now()
    const isUrgent = leftMs < this.#timeoutMs
    if (leftMs <= 0) throw tooLate(url)
    const timeout = AbortSignal.timeout(isUrgent ? Math.ceil(leftMs) : this.#timeoutMs)
    const either = AbortSignal.any([signal, timeout])
    let status: number | undefined
    try {
      const headers = await abortable(resolveHeaders(this.#headers, request.headers), either)
      // Chromium forgets preflights, too, under `no-store`: every POST, which is not stored anyway, would cost two round trips.
      const cache = request.method === 'POST' ? 'default' : 'no-store'
      const init = { method: request.method, headers, body: request.body ?? null, cache } as const
      const response = await fetch(target, { ...init, signal: either })
      status = response.status
      this.#silence.broken()
      const body = await readBounded(response, this.#maxResponseBytes, url)
      return { url, status: response.status, headers: response.headers, body }
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (timeout.aborted) throw isUrgent ? tooLate(url) : timedOut(url, this.#timeoutMs)
      if (isEdgewardError(error)) throw error
      throw status === undefined
        ? unreachable(url, this.#silence.reasonOf(error, signal), error)
        : brokenOff(url, status, error)
    }
  }
}

function parseUrl(url: string | URL): URL {
  // In a page, a path alone means the page's own server; Node has no `location`.
  const base = (globalThis as { location?: Location }).location?.href
  const parsed = URL.canParse(String(url), base) ? new URL(url, base) : undefined
  if (!parsed || !/^https?:$/.test(parsed.protocol)) {
    throw new EdgewardError('INVALID_OPTION', `remote.url must be an http or https address, found '${String(url)}'`)
  }
  if (parsed.username || parsed.password) {
    throw new EdgewardError('INVALID_OPTION', 'remote.url must not hold credentials: put them into remote.headers')
  }
  return parsed
}

async function resolveHeaders(
  source: RequestHeaders,
  own: Readonly<Record<string, string>> | undefined,
): Promise<Headers> {
  const given = typeof source === 'function' ? await askForHeaders(source) : source
  try {
    const headers = new Headers(given)
    // What the protocol needs wins over what the caller says.
    for (const [name, value] of Object.entries(own ?? {})) headers.set(name, value)
    return headers
  } catch (cause) {
    throw new EdgewardError('INVALID_OPTION', `remote.headers are not HTTP headers: ${messageOf(cause)}`, { cause })
  }
}

async function askForHeaders(
  source: Extract<RequestHeaders, () => unknown>,
): Promise<Readonly<Record<string, string>>> {
  try {
    return await source()
  } catch (cause) {
    throw new EdgewardError('REMOTE_UNAUTHORIZED', `the remote.headers function failed: ${messageOf(cause)}`, { cause })
  }
}

async function readBounded(response: Response, maxBytes: number, url: string): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let length = 0
  // A reader, because Safari cannot iterate over a stream.
  const reader = response.body?.getReader()
  for (let read = await reader?.read(); read?.value; read = await reader?.read()) {
    length += read.value.length
    if (length > maxBytes) {
      await reader?.cancel()
      throw new EdgewardError('REMOTE_MALFORMED', `${url} answered with more than ${maxBytes} bytes`, {
        details: { url, status: response.status, maxBytes },
      })
    }
    chunks.push(read.value)
  }
  return concatBytes(chunks)
}

function timedOut(url: string, timeoutMs: number): EdgewardError {
  const message = `${url} did not answer completely within ${timeoutMs} ms`
  return new EdgewardError('REMOTE_UNREACHABLE', message, { details: { url, timeoutMs, reason: 'timeout' } })
}

function tooLate(url: string): EdgewardError {
  return new EdgewardError('DEADLINE_EXCEEDED', `${url} did not answer within the request's deadline`, {
    details: { url },
  })
}

function unreachable(url: string, reason: SilenceReason, cause: unknown): EdgewardError {
  return new EdgewardError('REMOTE_UNREACHABLE', `no answer from ${url} (${messageOf(cause)}): ${silences[reason]}`, {
    details: { url, reason },
    cause,
  })
}

function brokenOff(url: string, status: number, cause: unknown): EdgewardError {
  const message = `the answer of ${url} broke off (${messageOf(cause)}): the connection was lost, or it was sent wrongly`
  return new EdgewardError('REMOTE_UNREACHABLE', message, { details: { url, status, reason: 'network' }, cause })
}
