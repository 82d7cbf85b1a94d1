/** The routes of Open Inference Protocol v2 (https://github.com/kserve/open-inference-protocol). */
import { EdgewardError } from 'edgeward'
import { jsonBytesHeader } from 'edgeward/oip'
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods, RouteHandlerMethod } from 'fastify'
import type { ModelStore } from '../models/model-store.js'
import type { ServedModel } from '../models/served-model.js'
import { infer, readInferCall } from './infer.js'
import { indexEntry, modelMetadata, serverMetadata } from './metadata.js'
import { requestSignal } from './request-signal.js'

export interface OipRouteOptions {
  readonly requestTimeLimitMs: number
  /** Whether the endpoint takes requests and knows of no end. */
  readonly takesRequests: () => boolean
  /** Aborts when the time to finish what is running is over. */
  readonly shutdownSignal: AbortSignal
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The model that the address names; undefined on routes that name none. */
    servedModel?: ServedModel
  }
}

/** Adds the protocol's routes to `app`. */
export function addOipRoutes(app: FastifyInstance, store: ModelStore, options: OipRouteOptions): void {
  addServerRoutes(app, store, options)
  // Decides before the body is read: nobody uploads 64 MiB to a model that does not exist.
  app.addHook('onRequest', async (request) => {
    if (hasModel(request.params)) request.servedModel = findModel(store, request.params)
  })
  for (const base of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    addModelRoutes(app, base, options)
  }
}

function addServerRoutes(app: FastifyInstance, store: ModelStore, { takesRequests }: OipRouteOptions): void {
  addRoute(app, 'GET', '/v2/health/live', async () => ({ live: true }))
  addRoute(app, 'GET', '/v2/health/ready', async () => {
    if (takesRequests()) return { ready: true }
    throw new EdgewardError('DISPOSED', 'the endpoint is shutting down')
  })
  addRoute(app, 'GET', '/v2', async () => serverMetadata())
  addRoute(app, 'GET', '/v2/models', async () => ({ models: store.list().map((model) => model.name) }))
  addRoute(app, 'POST', '/v2/repository/index', async () => store.list().map(indexEntry))
}

function addModelRoutes(app: FastifyInstance, base: string, options: OipRouteOptions): void {
  addRoute(app, 'GET', base, async (request) => modelMetadata(modelOf(request)))
  addRoute(app, 'GET', `${base}/ready`, async (request, reply) => {
    const { name, isReady } = modelOf(request)
    if (isReady) return { name, ready: true }
    return reply.code(503).send({ error: `model "${name}" cannot be loaded; the endpoint's log has the reason` })
  })
  addRoute(app, 'POST', `${base}/infer`, async (request, reply) => {
    const body = request.body instanceof Uint8Array ? request.body : undefined
    const jsonBytes = request.headers[jsonBytesHeader.toLowerCase()]?.toString()
    const call = readInferCall({ body, jsonBytes })
    const limits = { endpointMs: options.requestTimeLimitMs, requestMs: call.timeoutMs }
    const signal = requestSignal(reply, limits, options.shutdownSignal)
    return send(reply, await infer(modelOf(request), call, signal))
  })
}

function send(reply: FastifyReply, { body, headers }: Awaited<ReturnType<typeof infer>>): FastifyReply {
  return reply.headers(headers).send(typeof body === 'string' ? body : Buffer.from(body.buffer, 0, body.length))
}

/** Adds a route, and answers every other verb on its address with 405. */
function addRoute(app: FastifyInstance, method: 'GET' | 'POST', url: string, handler: RouteHandlerMethod): void {
  app.route({ method, url, handler })
  const allowed = method === 'GET' ? 'GET, HEAD' : 'POST'
  const others: HTTPMethods[] = [method === 'GET' ? 'POST' : 'GET', 'PUT', 'PATCH', 'DELETE']
  const refuse = async (_request: FastifyRequest, reply: FastifyReply) =>
    reply
      .code(405)
      .header('Allow', allowed)
      .send({ error: `${url} takes ${allowed} only` })
  app.route({ method: others, url, handler: refuse, exposeHeadRoute: false })
}

function hasModel(params: unknown): params is { model: string; version?: string } {
  return typeof params === 'object' && params !== null && 'model' in params
}

function findModel(store: ModelStore, params: { model: string; version?: string }): ServedModel {
  const model = store.get(params.model)
  if (!model)
    throw new EdgewardError('REMOTE_NOT_FOUND', `there is no model "${params.model}" here; GET /v2/models lists them`)
  if (params.version === undefined || model.versions.includes(params.version)) return model
  const versions = model.versions.map((version) => `"${version}"`).join(' and ')
  throw new EdgewardError(
    'REMOTE_NOT_FOUND',
    `model "${model.name}" has no version "${params.version}"; there is ${versions}`,
  )
}

function modelOf({ servedModel }: FastifyRequest): ServedModel {
  if (servedModel) return servedModel
  throw new EdgewardError('INTERNAL', 'a route of a model was reached without one')
}
