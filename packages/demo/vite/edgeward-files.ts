/** A Vite plugin that serves, beside the demo's pages, the models, the script-tag build and what the page asks its server. */
import { fileURLToPath } from 'node:url'
import sirv from 'sirv'
import type { Connect, Plugin } from 'vite'
import { Connections } from './connection.js'
import { endpointLine } from './endpoint-line.js'

const fromRoot = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

/** Cross-origin isolation, which WebAssembly threads need. */
const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

/**
 * Serves in development and preview alike. The endpoint's address and the folder of models come from the environment:
 * `EDGEWARD_ENDPOINT`, `EDGEWARD_MODELS`.
 */
export function edgewardFiles(): Plugin {
  return {
    name: 'edgeward-files',
    configureServer: ({ middlewares }) => serve(middlewares),
    configurePreviewServer: ({ middlewares }) => serve(middlewares),
  }
}

function serve(middlewares: Connect.Server): void {
  const connections = new Connections()
  middlewares.use((_request, response, next) => {
    for (const [name, value] of Object.entries(isolation)) response.setHeader(name, value)
    next()
  })
  middlewares.use('/config.json', config(connections))
  middlewares.use('/connection', setConnection(connections))
  const slowDown: Parameters<typeof endpointLine>[1] = (request, response) => connections.slowDown(request, response)
  middlewares.use('/endpoint', endpointLine(endpointAddress(), slowDown))
  middlewares.use('/models', (request, response, next) => {
    slowDown(request, response)
    next()
  })
  middlewares.use('/models', folder(process.env['EDGEWARD_MODELS'] || fromRoot('.models')))
  middlewares.use('/edgeward', folder(fromRoot('packages/sdk/dist')))
}

function endpointAddress(): string | null {
  return process.env['EDGEWARD_ENDPOINT'] || null
}

/** `bytesPerSecond` is null on a connection without a limit; JSON has no `Infinity`. */
function config(connections: Connections): Connect.NextHandleFunction {
  const endpoint = endpointAddress()
  return (request, response) => {
    const rate = connections.rateOf(request)
    const connection = { bytesPerSecond: rate === Infinity ? null : rate }
    response.setHeader('Content-Type', 'application/json').setHeader('Cache-Control', 'no-store')
    response.end(JSON.stringify({ endpoint, connection }))
  }
}

/** `POST /connection?bytesPerSecond=50000` limits the models' downloads of who asks; without a number, nothing does. */
function setConnection(connections: Connections): Connect.NextHandleFunction {
  return (request, response) => {
    const wanted = new URL(request.url ?? '/', 'http://localhost').searchParams.get('bytesPerSecond')
    const rate = wanted === null ? Infinity : Number(wanted)
    const isRight = request.method === 'POST' && rate > 0
    if (isRight) connections.setRate(request, response, rate)
    response.statusCode = isRight ? 204 : 400
    response.end()
  }
}

/** Files with Range requests and entity tags; 404 for what is not there, never another page in its place. */
function folder(path: string): Connect.NextHandleFunction {
  const files = sirv(path, { dev: true, etag: true })
  return (request, response) =>
    files(request, response, () => {
      response.statusCode = 404
      response.end()
    })
}
