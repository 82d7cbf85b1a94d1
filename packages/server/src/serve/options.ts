/** The endpoint's options, resolved once. */
import type { Writable } from 'node:stream'
import { EdgewardError } from 'edgeward'

export type LogFormat = 'text' | 'json'
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** What {@link createServer} takes. What is left out is as in {@link defaultServerOptions}. */
export interface ServerOptions {
  /** The folder that holds `<id>/manifest.json` and the models' files, as the packing tool writes it. */
  readonly modelsFolder: string
  /** Bearer keys, any of which opens everything but the health checks. None: the endpoint is open. */
  readonly keys?: readonly string[]
  /** The origins whose pages may ask, such as `https://example.org`; `*` stands for any. */
  readonly corsOrigins?: readonly string[]
  /** The longest request body. */
  readonly maxBodyBytes?: number
  /** How many requests may wait for each model. */
  readonly maxQueuedRequests?: number
  /** How many runs of each model may go on at a time; each takes a session, and memory, of its own. */
  readonly maxConcurrentRuns?: number
  /** How many texts of each language model may be generated at a time, a token of each in turn; each has a KV cache. */
  readonly maxConcurrentStreams?: number
  /** Threads inside one run; 0 leaves it to ONNX Runtime, which takes one for each physical core. */
  readonly threadsPerRun?: number
  /** How long a request may take once it has been read, waiting and loading included; of a stream, each event. */
  readonly requestTimeLimitMs?: number
  /** How long a run may take until its session thread counts as hung, and another one takes its place. */
  readonly runTimeLimitMs?: number
  /** How many connections may be open; more are closed at once. */
  readonly maxConnections?: number
  /** How long the head of a request may take to arrive; a connection that never sends one is ended then, too. */
  readonly headTimeLimitMs?: number
  /** How long a whole request may take to arrive, head and body. */
  readonly arrivalTimeLimitMs?: number
  /** How long a connection may wait for its next request. */
  readonly keepAliveTimeLimitMs?: number
  /**
   * How long a shutdown still takes requests: `/v2/health/ready` says 503, and every answer closes its connection, so
   * that nothing that was sent meets a closed door. Behind a load balancer: longer than it takes to notice.
   */
  readonly shutdownGraceMs?: number
  /** How long a shutdown waits for what is running. */
  readonly shutdownTimeLimitMs?: number
  readonly logFormat?: LogFormat
  readonly logLevel?: LogLevel
  /** Where the log goes. */
  readonly logStream?: Writable
}

export type ResolvedServerOptions = Required<ServerOptions>

/** The defaults. The log goes to standard error. */
export const defaultServerOptions = Object.freeze({
  keys: Object.freeze([]),
  corsOrigins: Object.freeze(['*']),
  maxBodyBytes: 64 * 1024 * 1024,
  maxQueuedRequests: 64,
  maxConcurrentRuns: 1,
  maxConcurrentStreams: 4,
  threadsPerRun: 0,
  requestTimeLimitMs: 60_000,
  runTimeLimitMs: 120_000,
  maxConnections: 10_000,
  headTimeLimitMs: 30_000,
  arrivalTimeLimitMs: 300_000,
  keepAliveTimeLimitMs: 72_000,
  shutdownGraceMs: 500,
  shutdownTimeLimitMs: 10_000,
  logFormat: 'text',
  logLevel: 'info',
} as const satisfies Partial<ServerOptions>)

const smallestNumbers = {
  maxBodyBytes: 1,
  maxQueuedRequests: 0,
  maxConcurrentRuns: 1,
  maxConcurrentStreams: 1,
  threadsPerRun: 0,
  requestTimeLimitMs: 1,
  runTimeLimitMs: 1,
  maxConnections: 1,
  headTimeLimitMs: 1,
  arrivalTimeLimitMs: 1,
  keepAliveTimeLimitMs: 1,
  shutdownGraceMs: 0,
  shutdownTimeLimitMs: 0,
} as const

/** What timers and counters can hold. */
const largestNumber = 2 ** 31 - 1

const known = new Set(['modelsFolder', 'logStream', ...Object.keys(defaultServerOptions)])

/** @throws {EdgewardError} `INVALID_OPTION` for an unknown key, or a value that cannot be. */
export function resolveServerOptions(options: ServerOptions): ResolvedServerOptions {
  const unknown = Object.keys(options).find((key) => !known.has(key))
  if (unknown !== undefined) throw invalid(`"${unknown}" is no option; there are ${[...known].join(', ')}`)
  const resolved = { ...defaultServerOptions, logStream: process.stderr, ...options }
  if (resolved.modelsFolder === '') throw invalid('modelsFolder is empty')
  for (const [key, smallest] of Object.entries(smallestNumbers)) {
    // `smallestNumbers` names only options that are numbers.
    checkNumber(key, resolved[key as keyof typeof smallestNumbers], smallest)
  }
  if (resolved.keys.some((key) => !/^[\x21-\x7e]+$/.test(key))) {
    throw invalid('a key is empty or has characters that an Authorization header cannot carry')
  }
  resolved.corsOrigins.forEach(checkOrigin)
  return Object.freeze(resolved)
}

function checkNumber(key: string, value: number, smallest: number): void {
  if (Number.isInteger(value) && value >= smallest && value <= largestNumber) return
  throw invalid(`${key} is ${value}, should be a whole number from ${smallest} to ${largestNumber}`)
}

/** Browsers compare origins letter by letter: one with a path or a slash at its end would never match. */
function checkOrigin(origin: string): void {
  if (origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin)) return
  throw invalid(`the CORS origin "${origin}" should be "*" or scheme, host and port only, such as https://example.org`)
}

function invalid(message: string): EdgewardError {
  return new EdgewardError('INVALID_OPTION', message)
}
