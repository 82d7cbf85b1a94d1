/** Cross-origin access: which pages may ask, and which headers they may send and see. */
import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'
import { loadFormatHeader, loadReportHeader } from '../load/load-report.js'

/** How long a browser may remember a preflight's answer; Chromium takes no more than two hours. */
const preflightSeconds = 7200

/** What pages may send. */
const requestHeaders = [
  'Authorization',
  'Content-Type',
  'Inference-Header-Content-Length',
  'Range',
  'X-Request-Id',
  loadFormatHeader,
]

/** What pages may read. */
const answerHeaders = [
  'Inference-Header-Content-Length',
  'Retry-After',
  'X-Request-Id',
  'Content-Range',
  'ETag',
  loadReportHeader,
]

/** Adds the CORS headers to every answer, errors included, and answers preflights. */
export async function addCors(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  const anyOrigin = origins.includes('*')
  app.addHook('onRequest', async (request, reply) => {
    // The models folder backs pages that are cross-origin isolated, and they ask for this.
    void reply.header('Cross-Origin-Resource-Policy', 'cross-origin').header('X-Content-Type-Options', 'nosniff')
    const { origin } = request.headers
    if (request.headers['access-control-request-private-network'] !== 'true') return
    if (anyOrigin || (origin !== undefined && origins.includes(origin))) {
      void reply.header('Access-Control-Allow-Private-Network', 'true')
    }
  })
  await app.register(cors, {
    origin: anyOrigin ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST'],
    allowedHeaders: requestHeaders,
    exposedHeaders: answerHeaders,
    maxAge: preflightSeconds,
    // An OPTIONS request that is no preflight is harmless, and the plugin would refuse it in plain text.
    strictPreflight: false,
  })
}
