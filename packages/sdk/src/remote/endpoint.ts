/** One remote server: its address, its credentials, its time-out, and every way of not getting an answer from it. */
import { EdgewardError, isEdgewardError, messageOf } from '../errors/index.js'
import { abortable, concatBytes } from '../shared/index.js'
import { remoteDefaults, type RemoteOptions, type RequestHeaders } from './options.js'
import { Patience, timedOut, tooLate } from './patience.js'
import { resolveHeaders } from './request-headers.js'
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

/** An endpoint's answer that is read as it comes. */
export interface EndpointStream extends Omit<EndpointAnswer, 'body'> {
  /** Read once. Who stops reading ends the connection; who never begins ends it by the signal. */
  readonly chunks: AsyncGenerator<Uint8Array, void>
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
    const { target, url } = this.#addressOf(request)
    const leftMs = (request.deadlineAt ?? Infinity) - performance.now()
    const isUrgent = leftMs < this.#timeoutMs
    if (leftMs <= 0) throw tooLate(url)
    const timeout = AbortSignal.timeout(isUrgent ? Math.ceil(leftMs) : this.#timeoutMs)
    let status: number | undefined
    try {
      const response = await this.#fetch(target, request, AbortSignal.any([signal, timeout]))
      status = response.status
      const chunks: Uint8Array[] = []
      for await (const chunk of readBounded(response, this.#maxResponseBytes, url)) chunks.push(chunk)
      return { url, status: response.status, headers: response.headers, body: concatBytes(chunks) }
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (timeout.aborted) throw isUrgent ? tooLate(url) : timedOut(url, this.#timeoutMs)
      throw this.#failureOf(error, { url, status, signal })
    }
  }

  /**
   * Sends a request whose answer is read as it comes: its first byte within the time-out, the others with pauses of `stallMs`
   * at most. The connection ends with `signal`, and with the answer. @throws as {@link request} does, and so do the chunks
   */
  async stream(request: EndpointRequest, stallMs: number, signal: AbortSignal): Promise<EndpointStream> {
    signal.throwIfAborted()
    const { target, url } = this.#addressOf(request)
    const patience = new Patience(url, request.deadlineAt)
    const either = AbortSignal.any([signal, patience.signal])
    signal.addEventListener('abort', () => patience.stop(), { once: true, signal: patience.signal })
    const failureOf = (error: unknown, status?: number) => {
      patience.stop()
      return either.aborted ? (either.reason as Error) : this.#failureOf(error, { url, status, signal })
    }
    try {
      patience.wait(this.#timeoutMs)
      const response = await this.#fetch(target, request, either)
      const { status, headers } = response
      const chunks = readBounded(response, this.#maxResponseBytes, url)
      const rethrow = (error: unknown): never => {
        throw failureOf(error, status)
      }
      return { url, status, headers, chunks: patiently(chunks, { patience, stallMs, rethrow }) }
    } catch (error) {
      throw failureOf(error)
    }
  }

  #addressOf({ path }: EndpointRequest): { readonly target: URL; readonly url: string } {
    const target = new URL(this.url)
    target.pathname = target.pathname.replace(/\/+$/, '') + path
    return { target, url: target.origin + target.pathname }
  }

  async #fetch(target: URL, request: EndpointRequest, signal: AbortSignal): Promise<Response> {
    const headers = await abortable(resolveHeaders(this.#headers, request.headers), signal)
    // Chromium forgets preflights, too, under `no-store`: every POST, which is not stored anyway, would cost two round trips.
    const cache = request.method === 'POST' ? 'default' : 'no-store'
    const init = { method: request.method, headers, body: request.body ?? null, cache } as const
    const response = await fetch(target, { ...init, signal })
    this.#silence.broken()
    return response
  }

  #failureOf(error: unknown, { url, status, signal }: Interrupted): EdgewardError {
    if (isEdgewardError(error)) return error
    return status === undefined
      ? unreachable(url, this.#silence.reasonOf(error, signal), error)
      : brokenOff(url, status, error)
  }
}

interface Interrupted {
  readonly url: string
  /** There when an answer had begun. */
  readonly status: number | undefined
  readonly signal: AbortSignal
}

async function* patiently(
  chunks: AsyncGenerator<Uint8Array, void>,
  {
    patience,
    stallMs,
    rethrow,
  }: { readonly patience: Patience; readonly stallMs: number; readonly rethrow: (error: unknown) => never },
): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const chunk of chunks) {
      patience.stop()
      yield chunk
      patience.wait(stallMs)
    }
  } catch (error) {
    rethrow(error)
  } finally {
    patience.stop()
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

async function* readBounded(response: Response, maxBytes: number, url: string): AsyncGenerator<Uint8Array, void> {
  let length = 0
  // A reader, because Safari cannot iterate over a stream.
  const reader = response.body?.getReader()
  try {
    for (let read = await reader?.read(); read?.value; read = await reader?.read()) {
      length += read.value.length
      if (length > maxBytes) {
        throw new EdgewardError('REMOTE_MALFORMED', `${url} answered with more than ${maxBytes} bytes`, {
          details: { url, status: response.status, maxBytes },
        })
      }
      yield read.value
    }
  } finally {
    // What has ended, or failed, cannot be cancelled any more.
    await reader?.cancel().catch(() => undefined)
  }
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
