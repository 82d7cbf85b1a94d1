/** Answers requests that ask for it with the endpoint's load, so that clients can go elsewhere before it must refuse. */
import type { FastifyInstance } from 'fastify'
import { describeLoad } from '../load/describe-load.js'
import { formatLoadReport, loadFormatHeader, loadReportHeader, readLoadFormat } from '../load/load-report.js'
import type { ProcessLoad } from '../load/process-load.js'

/**
 * Adds the header to the answers of inference requests, refusals for a full queue included. Requests that were refused
 * before their model was looked up (no key, no such model, shutting down) learn nothing.
 */
export function addLoadHeader(app: FastifyInstance, load: ProcessLoad): void {
  app.addHook('onSend', async ({ headers, servedModel, routeOptions }, reply) => {
    const format = readLoadFormat(headers[loadFormatHeader])
    if (format === undefined || servedModel === undefined || !isInference(routeOptions.url)) return
    void reply.header(loadReportHeader, formatLoadReport(describeLoad(load, servedModel), format))
  })
  app.addHook('onResponse', async ({ routeOptions }, reply) => {
    if (isInference(routeOptions.url)) load.countAnswer(reply.statusCode)
  })
}

const openAiInference = ['/v1/chat/completions', '/v1/completions', '/v1/embeddings']

/** By the route, not by what the client wrote. */
function isInference(address: string | undefined): boolean {
  return address !== undefined && (address.endsWith('/infer') || openAiInference.includes(address))
}
