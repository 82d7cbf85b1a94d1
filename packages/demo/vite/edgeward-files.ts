/** A Vite plugin that serves, beside the demo's pages, the models, the script-tag build and the endpoint's address. */
import { fileURLToPath } from 'node:url'
import sirv from 'sirv'
import type { Connect, Plugin } from 'vite'

const fromRoot = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

/** Cross-origin isolation, which WebAssembly threads need. */
const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

/** Serves in development and preview alike; the endpoint's address comes from the environment: `EDGEWARD_ENDPOINT`. */
export function edgewardFiles(): Plugin {
  return {
    name: 'edgeward-files',
    configureServer: ({ middlewares }) => serve(middlewares),
    configurePreviewServer: ({ middlewares }) => serve(middlewares),
  }
}

function serve(middlewares: Connect.Server): void {
  const endpoint = process.env['EDGEWARD_ENDPOINT'] || null
  middlewares.use((_request, response, next) => {
    for (const [name, value] of Object.entries(isolation)) response.setHeader(name, value)
    next()
  })
  middlewares.use('/config.json', (_request, response) => {
    response.setHeader('Content-Type', 'application/json').setHeader('Cache-Control', 'no-store')
    response.end(JSON.stringify({ endpoint }))
  })
  middlewares.use('/models', folder(fromRoot('.models')))
  middlewares.use('/edgeward', folder(fromRoot('packages/sdk/dist')))
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
