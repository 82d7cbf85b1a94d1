/** Shutting down without losing a request: for a moment they are still taken, then refused; all get their answers. */
import { setMaxListeners } from 'node:events'
import { setImmediate as afterPolling, setTimeout as sleep } from 'node:timers/promises'
import { EdgewardError } from 'edgeward'
import type { FastifyInstance } from 'fastify'
import type { ResolvedServerOptions } from './options.js'

/** Time for answers to be written after the limit; connections that still talk then are cut. */
const lastWordsMs = 500

/** So long nobody must have connected before the endpoint stops listening. */
const quietMs = 100

/** How far a shutdown has come. */
export interface Draining {
  /** Whether the endpoint takes requests and knows of no end. */
  readonly takesRequests: () => boolean
  /** Aborts when the time to finish is over. */
  readonly shutdownSignal: AbortSignal
}

/**
 * Makes `app.close()` wait for the requests that are under way, but no longer than `shutdownTimeLimitMs`. For the first
 * `shutdownGraceMs` of it, requests are still taken: a client that is just sending one on a connection that it holds, or
 * has just connected, would find it cut.
 */
export function addDraining(app: FastifyInstance, limits: ResolvedServerOptions): Draining {
  const { shutdownGraceMs, shutdownTimeLimitMs } = limits
  let phase: 'open' | 'grace' | 'draining' = 'open'
  const timers: NodeJS.Timeout[] = []
  const shutdown = new AbortController()
  // Every request that is under way listens.
  setMaxListeners(0, shutdown.signal)
  const refusal = () => new EdgewardError('DISPOSED', 'the endpoint is shutting down')
  // Once the body has been read: a connection that is closed with bytes that nobody read loses its answer, too.
  app.addHook('preHandler', async () => {
    if (phase === 'draining') throw refusal()
  })
  app.addHook('onSend', async (_request, reply) => {
    // A connection that stays open after its answer would keep the endpoint from ending.
    if (phase !== 'open') void reply.header('Connection', 'close')
  })
  app.addHook('preClose', async () => {
    phase = 'grace'
    timers.push(setTimeout(() => shutdown.abort(refusal()), shutdownTimeLimitMs))
    timers.push(setTimeout(() => app.server.closeAllConnections(), shutdownTimeLimitMs + lastWordsMs))
    if (app.server.listening) await sleep(Math.min(shutdownGraceMs, shutdownTimeLimitMs))
    phase = 'draining'
    if (app.server.listening && shutdownGraceMs > 0) await noNewConnections(app, shutdown.signal)
  })
  app.addHook('onClose', async () => timers.forEach(clearTimeout))
  return { takesRequests: () => phase === 'open', shutdownSignal: shutdown.signal }
}

/**
 * Resolves at a quiet moment: whoever has connected and was not accepted yet is reset when the endpoint stops listening,
 * with the request that was sent. Who was told to come back later leaves such a moment; at `limit` it is over regardless.
 */
async function noNewConnections({ server }: FastifyInstance, limit: AbortSignal): Promise<void> {
  let isQuiet = false
  const hear = () => (isQuiet = false)
  server.on('connection', hear)
  while (!isQuiet && !limit.aborted) {
    isQuiet = true
    await sleep(quietMs)
    // Those that came while the process was busy are accepted after its timers.
    await afterPolling()
  }
  server.off('connection', hear)
}
