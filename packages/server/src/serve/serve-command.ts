/** `edgeward serve`: starts the endpoint, says where it is, and ends it well. */
import type { FastifyInstance } from 'fastify'
import { readServeArguments, serveUsage, type ServeArguments } from './arguments.js'
import { createServer } from './create-server.js'
import { listenOnFreePort } from './listen.js'

/**
 * Runs the endpoint until it is stopped by SIGINT or SIGTERM.
 *
 * @param argv What follows `edgeward serve` on the command line.
 * @throws {EdgewardError} `INVALID_OPTION`, `MANIFEST_INVALID`
 */
export async function serveCommand(argv: string[]): Promise<void> {
  const given = readServeArguments(argv, process.env)
  if (!given) {
    process.stdout.write(serveUsage)
    return
  }
  const app = await createServer(given.server)
  const stopped = closeOnSignal(app)
  const port = await listenOnFreePort(app, given.host, given.port)
  announce(app, given, port)
  await stopped
}

/** One plain line for people on standard output; where the log is for machines, an entry of the log instead. */
function announce(app: FastifyInstance, { host, port: wanted, server }: ServeArguments, port: number): void {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  const moved = wanted !== 0 && port !== wanted ? ` (port ${wanted} is busy)` : ''
  if (server.logFormat === 'json') app.log.info({ url }, `ready${moved}`)
  else process.stdout.write(`Edgeward endpoint ready at ${url}${moved}\n`)
}

/** Resolves when a signal has come and the endpoint has ended. A second signal ends the process at once. */
function closeOnSignal(app: FastifyInstance): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (signal: NodeJS.Signals) => {
      app.log.info({ signal }, 'shutting down: finishing what is running')
      for (const name of stopSignals) process.off(name, stop)
      app
        .close()
        .then(() => endForSure(app))
        .then(resolve, reject)
    }
    for (const name of stopSignals) process.on(name, stop)
  })
}

/** A run that does not come back holds its thread, and that the process; nothing inside of the process ends such a thread. */
function endForSure(app: FastifyInstance): void {
  const kill = () => {
    app.log.error('a run has not come back in time: ending without it')
    process.kill(process.pid, 'SIGKILL')
  }
  setTimeout(kill, lastWordsMs).unref()
}

/** Time for the process to end by itself once everything is closed. */
const lastWordsMs = 1000

const stopSignals = ['SIGINT', 'SIGTERM'] as const
