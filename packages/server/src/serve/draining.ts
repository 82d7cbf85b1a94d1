/** Shutting down without losing a request: new ones are refused, those that are under way get their answers. */
import { setMaxListeners } from 'node:events'
import { EdgewardError } from 'edgeward'
import type { FastifyInstance } from 'fastify'

/** Time for answers to be written after the limit; connections that still talk then are cut. */
const lastWordsMs = 500

/**
 * Makes `app.close()` wait for the requests that are under way, but no longer than `timeLimitMs`.
 *
 * @returns A signal that aborts when the time to finish is over.
 */
export function addDraining(app: FastifyInstance, timeLimitMs: number): AbortSignal {
  let draining = false
  const timers: NodeJS.Timeout[] = []
  const shutdown = new AbortController()
  // Every request that is under way listens.
  setMaxListeners(0, shutdown.signal)
  const refusal = () => new EdgewardError('DISPOSED', 'the endpoint is shutting down')
  app.addHook('onRequest', async () => {
    if (draining) throw refusal()
  })
  app.addHook('onSend', async (_request, reply) => {
    // A connection that stays open after its answer would keep the endpoint from ending.
    if (draining) void reply.header('Connection', 'close')
  })
  app.addHook('preClose', async () => {
    draining = true
    timers.push(setTimeout(() => shutdown.abort(refusal()), timeLimitMs))
    timers.push(setTimeout(() => app.server.closeAllConnections(), timeLimitMs + lastWordsMs))
  })
  app.addHook('onClose', async () => timers.forEach(clearTimeout))
  return shutdown.signal
}
