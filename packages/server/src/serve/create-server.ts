/** Puts the endpoint together. */
import { EdgewardError } from 'edgeward'
import { fastify, LogController, type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify'
import { ProcessLoad } from '../load/process-load.js'
import { checkContents, checkSizes, type ReportRefusal } from '../models/check-models.js'
import { ModelStore } from '../models/model-store.js'
import { addOipRoutes } from '../oip/routes.js'
import { addOpenAiRoutes } from '../openai/routes.js'
import { addAuth } from './auth.js'
import { connectionOptions, limitConnections } from './connections.js'
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
  limitConnections(app, resolved)
  // In the order in which a request meets them; CORS before whatever may refuse, so that pages can read the refusal.
  addRequestLog(app)
  addErrorResponses(app, resolved)
  await addCors(app, resolved.corsOrigins)
  const draining = addDraining(app, resolved)
  addAuth(app, resolved.keys)
  acceptAnyBody(app)
  const load = new ProcessLoad()
  addMetrics(app, store, load)
  addLoadHeader(app, load)
  const limits = { ...draining, requestTimeLimitMs: resolved.requestTimeLimitMs }
  addOipRoutes(app, store, limits)
  addOpenAiRoutes(app, store, limits)
  await addModelFiles(app, resolved.modelsFolder, store)
  await checkFiles(app, store)
  app.addHook('onClose', () => store.dispose())
  return app
}

/** Names the models that cannot be served; the others are served. Contents are read while the endpoint answers already. */
async function checkFiles(app: FastifyInstance, store: ModelStore): Promise<void> {
  const report: ReportRefusal = ({ name: model }, err) =>
    app.log.error({ model, err }, `model "${model}" is not served`)
  await checkSizes(store.list(), report)
  const closing = new AbortController()
  app.addHook('preClose', async () => closing.abort())
  app.addHook('onReady', async () => void checkContents(store.list(), report, closing.signal))
}

function createApp(options: ResolvedServerOptions): FastifyInstance {
  const { logFormat, logLevel, logStream, maxBodyBytes } = options
  return fastify({
    ...connectionOptions(options),
    bodyLimit: maxBodyBytes,
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
