/** The optional bearer key. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { EdgewardError } from 'edgeward'
import type { FastifyInstance } from 'fastify'

/** Asks every request but the health checks for one of `keys`; without keys, the endpoint is open. */
export function addAuth(app: FastifyInstance, keys: readonly string[]): void {
  if (keys.length === 0) return
  const digests = keys.map(digest)
  app.addHook('onRequest', async ({ headers, routeOptions }) => {
    if (routeOptions.url?.startsWith('/v2/health/')) return
    const given = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
    if (given === undefined) {
      throw new EdgewardError('REMOTE_UNAUTHORIZED', 'this endpoint asks for a key: Authorization: Bearer <key>')
    }
    const found = digest(given)
    // Digests have one length, and comparing them takes one time, whatever was given.
    if (!digests.some((expected) => timingSafeEqual(expected, found))) {
      throw new EdgewardError('REMOTE_UNAUTHORIZED', 'the bearer key is not one of this endpoint')
    }
  })
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
