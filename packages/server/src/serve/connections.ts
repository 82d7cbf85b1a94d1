/** What a connection may cost: limits for clients that are slow, silent or too many, and answers for what is no HTTP. */
import { STATUS_CODES, type Server } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyHttpOptions, FastifyInstance } from 'fastify'
import type { ResolvedServerOptions } from './options.js'

/** How much longer than a request may take nothing may move on a connection: who does not read its answer is cut. */
const stalledMs = 10_000

/** How long what a refused client still sends is taken and thrown away, so that it can read why. */
const lingerMs = 1000

/** Node looks for connections over their limits this often; a tenth of a limit, but not all the time. */
const checkMs = { shortest: 50, longest: 5000 } as const

/** What timers can hold. */
const longestTimerMs = 2 ** 31 - 1

/** Fastify's options for connections. */
export function connectionOptions(options: ResolvedServerOptions) {
  const { headTimeLimitMs, arrivalTimeLimitMs, keepAliveTimeLimitMs, requestTimeLimitMs } = options
  const tenth = Math.min(headTimeLimitMs, arrivalTimeLimitMs) / 10
  return {
    // Node wants a head's limit that is no longer than that of the whole.
    http: {
      headersTimeout: Math.min(headTimeLimitMs, arrivalTimeLimitMs),
      requestTimeout: arrivalTimeLimitMs,
      connectionsCheckingInterval: Math.ceil(Math.min(Math.max(tenth, checkMs.shortest), checkMs.longest)),
    },
    requestTimeout: arrivalTimeLimitMs,
    keepAliveTimeout: keepAliveTimeLimitMs,
    connectionTimeout: Math.min(requestTimeLimitMs + stalledMs, longestTimerMs),
    clientErrorHandler: answerNoRequest,
  } satisfies FastifyHttpOptions<Server>
}

/** More connections than that are closed at once. */
export function limitConnections(app: FastifyInstance, { maxConnections }: ResolvedServerOptions): void {
  app.server.maxConnections = maxConnections
}

/** No request came of it, so no hook ran for it: this is the whole answer. */
function answerNoRequest(this: FastifyInstance, error: Error & { code?: string }, socket: Socket): void {
  // What it sends after its answer is no request either.
  if (socket.destroyed || !socket.writable) return
  this.log.debug({ err: error }, 'a client did not send a request')
  const [status, what] = describe(error.code)
  const body = JSON.stringify({ error: what })
  const headers = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Access-Control-Allow-Origin: *',
    'Connection: close',
  ]
  socket.end(`${headers.join('\r\n')}\r\n\r\n${body}`)
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), lingerMs).unref()
  socket.once('close', () => clearTimeout(timer))
}

function describe(code: string | undefined): readonly [status: number, what: string] {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'the request took too long to arrive']
    case 'HPE_HEADER_OVERFLOW':
      return [431, 'the head of the request is larger than the 16384 bytes that this endpoint takes']
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return [413, 'the chunk extensions of the request are larger than this endpoint takes']
    default:
      return [400, 'this is no HTTP request that can be read']
  }
}
