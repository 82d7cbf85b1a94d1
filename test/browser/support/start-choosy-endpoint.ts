/**
 * Vitest's global set-up of the browser projects: starts an endpoint whose CORS allows only the headers that its address
 * names, and that remembers how it was asked: `/<id>/<allowed headers>/v2/models/<name>/infer`, `/<id>/log`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { TestProject } from 'vitest/node'
import { decodeInferRequest, encodeInferResponse } from '../../../packages/sdk/src/oip.js'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The base URL of the endpoint with the narrow CORS, without a slash at its end. */
    readonly choosyEndpoint: string
  }
}

const load = 'TEXT application_utilization=0.5, named_metrics.expected_wait_seconds=0.25'

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const logs = new Map<string, string[]>()
  const server = createServer((request, response) => void answer(request, response, logs))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  project.provide('choosyEndpoint', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return async () => {
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, logs: Map<string, string[]>): Promise<void> {
  const [, id = '', allowed = ''] = (request.url ?? '').split('/')
  const log = logs.get(id) ?? []
  logs.set(id, log)
  response.setHeader('Access-Control-Allow-Origin', '*')
  if (allowed === 'log') return void response.end(JSON.stringify(log))
  response.setHeader('Access-Control-Allow-Headers', allowed)
  response.setHeader('Access-Control-Expose-Headers', 'Inference-Header-Content-Length, endpoint-load-metrics')
  if (request.method === 'OPTIONS') {
    log.push('preflight')
    return void response.writeHead(204).end()
  }
  // A page that is refused looks whether anybody is there at all.
  if (request.method !== 'POST') return void response.writeHead(404).end()
  const { headers } = request
  const jsonBytes = headers['inference-header-content-length']
  const asksLoad = headers['endpoint-load-metrics-format'] !== undefined
  log.push(`${jsonBytes === undefined ? 'json' : 'bytes'}${asksLoad ? ' and load' : ''}`)
  const body = new Uint8Array(await buffer(request))
  const { inputs } = decodeInferRequest(body, jsonBytes === undefined ? undefined : Number(jsonBytes))
  const message = encodeInferResponse({ modelName: 'echo', outputs: inputs }, { binary: () => jsonBytes !== undefined })
  response.writeHead(200, { ...message.headers, ...(asksLoad && { 'endpoint-load-metrics': load }) }).end(message.body)
}
