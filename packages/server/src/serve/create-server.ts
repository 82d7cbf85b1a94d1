/** Puts the endpoint together. */
import { EdgewardError } from 'edgeward'
import { fastify, LogController, type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify'
import { ProcessLoad } from '../load/process-load.js'
import { ModelStore } from '../models/model-store.js'
import { addOipRoutes } from '../oip/routes.js'
import { addAuth } from './auth.js'
import { addCors } from './cors.js'
import { addDraining } from './draining.js'
import { addErrorResponses } from './error-response.js'
import { addLoadHeader } from './load-header.js'
import { addMetrics } from './metrics.js'
import { addModelFiles } from './model-files.js'
import { resolveServerOptions, type ResolvedServerOptions, type ServerOptions } from './options.js'
import { addRequestLog, requestId } from './request-log.js'
import { textLog } from './text-log.js'

/** What Node takes as the head of a request; the router has no limit of its own then. */
const maxAddressLength = 16_384

/** How long a body may take to arrive: a slow uplink may be slow, a client that never ends may not. */
const bodyTimeLimitMs = 300_000

/**
 * The endpoint as a Fastify app, which answers as soon as it `listen`s. Sessions open when first needed. `close()`
 * stops listening, finishes what is running within `shutdownTimeLimitMs`, and frees the sessions.
 *
 * @throws {EdgewardError} `INVALID_OPTION` for a wrong option or an empty models folder, `MANIFEST_INVALID` for a
 *   manifest that is wrong.
 */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const resolved = resolveServerOptions(options)
  const store = await ModelStore.open(resolved.modelsFolder, resolved)
  const app = createApp(resolved)
  // In the order in which a request meets them; CORS before whatever may refuse, so that pages can read the refusal.
  addRequestLog(app)
  addErrorResponses(app, resolved)
  await addCors(app, resolved.corsOrigins)
  const shutdownSignal = addDraining(app, resolved.shutdownTimeLimitMs)
  addAuth(app, resolved.keys)
  acceptAnyBody(app)
  const load = new ProcessLoad()
  addMetrics(app, store, load)
  addLoadHeader(app, load)
  addOipRoutes(app, store, { requestTimeLimitMs: resolved.requestTimeLimitMs, shutdownSignal })
  await addModelFiles(app, resolved.modelsFolder, store)
  app.addHook('onClose', () => store.dispose())
  return app
}

function createApp({ logFormat, logLevel, logStream, maxBodyBytes }: ResolvedServerOptions): FastifyInstance {
  return fastify({
    bodyLimit: maxBodyBytes,
    requestTimeout: bodyTimeLimitMs,
    genReqId: requestId,
    return503OnClosing: false, // addDraining answers in the protocol's shape.
    logger: { level: logLevel, stream: logFormat === 'json' ? logStream : textLog(logStream) },
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: maxAddressLength },
    frameworkErrors: answerBadAddress,
  })
}

/** Only for an address that cannot be decoded. No hook runs for it, so its CORS header is set here. */
function answerBadAddress(error: FastifyError, _request: unknown, reply: FastifyReply): void {
  void reply.code(400).header('Access-Control-Allow-Origin', '*').send({ error: error.message })
}

/** Clients of the protocol send any Content-Type or none; the protocol says what the bytes are. */
function acceptAnyBody(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ headers }) => {
    // Fastify would refuse what is no media type at all.
    if (headers['content-type'] !== undefined) headers['content-type'] = 'application/octet-stream'
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    const encoding = request.headers['content-encoding'] ?? 'identity'
    if (encoding === 'identity') done(null, body)
    else done(new EdgewardError('INVALID_INPUT', `the body is ${encoding}-encoded; send it without Content-Encoding`))
  })
}
