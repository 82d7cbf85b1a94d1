/** Listening on the first free port from a wanted one on. */
import type { FastifyInstance } from 'fastify'

/** How many ports to try before giving up. */
const maxTries = 50

/**
 * Starts listening on `port`, or on the next one that is free.
 *
 * @returns The port it became.
 */
export async function listenOnFreePort(app: FastifyInstance, host: string, port: number): Promise<number> {
  for (let tried = port; ; tried += 1) {
    try {
      await app.listen({ host, port: tried, listenTextResolver: () => 'listening' })
      return boundPort(app) ?? tried
    } catch (thrown) {
      if (!isBusy(thrown) || tried >= Math.min(port + maxTries, 65_535)) throw thrown
    }
  }
}

function boundPort(app: FastifyInstance): number | undefined {
  const address = app.server.address()
  return typeof address === 'object' ? address?.port : undefined
}

function isBusy(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'EADDRINUSE'
}
