/** HTTP requests that can stall, break and be cancelled, with bodies that are read piece by piece. */
import { EdgewardError, isEdgewardError, messageOf } from '../errors/index.js'
import { abortable } from '../shared/index.js'
import type { LowPriority } from './foreground-gate.js'
import type { DownloadProblem } from './retry.js'
import { Servers } from './servers.js'

/** As the platform's: addresses that are ours alone, and credentials, are dealt with before it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** The platform's, which must be called as a method of the global object. */
export const platformFetch: Fetch = (url, init) => fetch(url, init)

export interface HttpRequest {
  readonly url: string
  readonly method?: 'GET' | 'HEAD'
  readonly fetch?: Fetch
  readonly headers?: Readonly<Record<string, string>>
  readonly cache: RequestCache
  readonly signal: AbortSignal
  /** How long the server may send no byte, neither here nor to another request of this worker. */
  readonly stallMs: number
  /** Waits, before it is sent and before each read, while loads of low priority are held back. */
  readonly priority?: LowPriority | undefined
}

/** Of the whole worker, as the browser's connections are: requests of all its loads wait for the same ones. */
const servers = new Servers()

/** An answer whose body is read in order, into places of the reader's choice. */
export interface HttpAnswer {
  readonly response: Response
  /** How many bytes of the body have come, after decompression. */
  received(): number
  /** Fills `view`, and tells of every piece; resolves with how many bytes came, fewer only when the body ended. */
  fill(view: Uint8Array, onPiece?: (bytes: number) => void): Promise<number>
  /** Passes over the next bytes of the body. */
  skip(bytes: number): Promise<void>
  /** The rest of the body, as UTF-8. */
  text(): Promise<string>
  /** Ends the request; whoever asked for an answer calls it when done. */
  cancel(): void
}

/**
 * Sends a request.
 *
 * @throws {EdgewardError} `DOWNLOAD_FAILED` when the network fails or stalls, here and in every method of the answer.
 *   A status that is no success is an answer.
 */
export async function request(options: HttpRequest): Promise<HttpAnswer> {
  const { url, method = 'GET', headers = {}, cache, stallMs, priority, fetch = platformFetch } = options
  const controller = new AbortController()
  const signal = AbortSignal.any([options.signal, controller.signal])
  const server = servers.at(url)
  let received = 0

  // The clock runs only while bytes are waited for: a reader that takes its time is no stall of the server.
  const watch = async <T>(step: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted()
    const stopWatching = server.watch(stallMs, () => controller.abort(stalled(url, stallMs, received)))
    try {
      const came = await abortable(step(), signal)
      server.heard()
      return came
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw isEdgewardError(error) ? error : broken(options, received, error)
    } finally {
      stopWatching()
    }
  }

  const isOver = priority && (await priority.mayAsk(signal))
  const cancel = () => {
    controller.abort()
    isOver?.()
  }
  const init = { method, headers, cache, signal, ...(priority?.isLow && { priority: 'low' as const }) }
  const response = await watch(() => fetch(url, init)).catch((error: unknown) => {
    cancel()
    throw error
  })
  const reader = response.body?.getReader()
  const nextPiece = async (): Promise<Uint8Array | undefined> => {
    // What is not read stays in the server's hands, once the browser's buffers are full.
    if (priority) await priority.mayRead(signal)
    const piece = reader && (await watch(() => reader.read())).value
    received += piece?.length ?? 0
    return piece
  }
  return { response, received: () => received, ...readInOrder(nextPiece), cancel }
}

/** What a message says of an answer. */
export function describeAnswer({ response }: HttpAnswer): string {
  const facts = ['Content-Type', 'Content-Length', 'Content-Range', 'Content-Encoding'].flatMap((name) => {
    const value = response.headers.get(name)
    return value === null ? [] : [`${name}: ${value}`]
  })
  const moved = response.redirected ? [`redirected to ${response.url}`] : []
  return [`status ${response.status}`, ...moved, ...facts].join(', ')
}

/** Whether the answer is a page: what servers of single-page applications send for files they do not have. */
export function isHtml({ response }: HttpAnswer): boolean {
  return /^text\/html\b/i.test(response.headers.get('Content-Type') ?? '')
}

function readInOrder(nextPiece: () => Promise<Uint8Array | undefined>): Pick<HttpAnswer, 'fill' | 'skip' | 'text'> {
  let rest: Uint8Array = new Uint8Array(0)

  /** At most `most` bytes, or undefined when the body has ended. */
  const take = async (most: number): Promise<Uint8Array | undefined> => {
    while (rest.length === 0) {
      const piece = await nextPiece()
      if (!piece) return undefined
      rest = piece
    }
    const taken = rest.subarray(0, most)
    rest = rest.subarray(most)
    return taken
  }

  return {
    async fill(view, onPiece) {
      let filled = 0
      while (filled < view.length) {
        const bytes = await take(view.length - filled)
        if (!bytes) break
        view.set(bytes, filled)
        filled += bytes.length
        onPiece?.(bytes.length)
      }
      return filled
    },
    async skip(bytes) {
      let left = bytes
      while (left > 0) {
        const passed = await take(left)
        if (!passed) return
        left -= passed.length
      }
    },
    async text() {
      const decoder = new TextDecoder()
      let text = ''
      for (let bytes = await take(Infinity); bytes; bytes = await take(Infinity)) {
        text += decoder.decode(bytes, { stream: true })
      }
      return text + decoder.decode()
    },
  }
}

function stalled(url: string, stallMs: number, received: number): EdgewardError {
  const problem: DownloadProblem = 'stalled'
  const message = `${url}: no byte came for ${stallMs} ms, after ${received} bytes of the body`
  return new EdgewardError('DOWNLOAD_FAILED', message, { details: { url, problem, stallMs, receivedBytes: received } })
}

function broken({ url, headers }: HttpRequest, received: number, cause: unknown): EdgewardError {
  const problem: DownloadProblem = 'network'
  const details = { url, problem, receivedBytes: received }
  if (received > 0) {
    const message = `${url} broke off after ${received} bytes of the body: ${messageOf(cause)}`
    return new EdgewardError('DOWNLOAD_FAILED', message, { details, cause })
  }
  // Browsers do not tell pages why; these are the reasons there are.
  const reasons = ['is the server up', 'does it allow this origin (CORS)']
  if (headers?.['Range'] !== undefined) reasons.push('does it send ranges uncompressed, as asked')
  const message = `${url} could not be fetched: ${messageOf(cause)} (${reasons.join('? ')}?)`
  return new EdgewardError('DOWNLOAD_FAILED', message, { details, cause })
}
