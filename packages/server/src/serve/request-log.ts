/** Request ids, and one line in the log for each request. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'

/** The id that the client or a proxy gave the request, when it is a plain one; else a new one. */
export function requestId({ headers }: IncomingMessage): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID()
}

/** Logs each answer with its request's id; never what was sent: no inputs, no headers, no query. */
export function addRequestLog(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('X-Request-Id', request.id)
  })
  app.addHook('onResponse', async (request, reply) => {
    const level = reply.statusCode >= 500 ? 'warn' : isQuiet(request) ? 'debug' : 'info'
    const { method, servedModel, url } = request
    const model = servedModel ? { model: servedModel.name } : {}
    const durationMs = Math.round(reply.elapsedTime * 10) / 10
    request.log[level](
      { method, path: url.split('?', 1)[0], ...model, status: reply.statusCode, durationMs },
      'answered',
    )
  })
}

/** What monitoring asks every few seconds. */
function isQuiet({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.url === '/metrics' || (routeOptions.url?.startsWith('/v2/health/') ?? false)
}
