/** A Vite plugin that serves the SDK's dist/ and the packed models as they are, without Vitest's changes to them. */
import sirv from 'sirv'
import type { Plugin } from 'vitest/config'
import { answerAsTold } from './told-server.js'

/** `/shipped/` is packages/sdk/dist, `/models/` is .models, with Range requests; `/told/` does as it is told. */
export function shippedFiles(): Plugin {
  return {
    name: 'edgeward-shipped-files',
    configureServer({ middlewares }) {
      // A worker of an isolated page must say that it is isolated too.
      const setHeaders = (response: { setHeader(name: string, value: string): void }) => {
        response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
      }
      const options = { dev: true, etag: true, setHeaders }
      middlewares.use('/shipped', sirv('packages/sdk/dist', options))
      middlewares.use('/models', sirv('.models', options))
      middlewares.use('/told', (request, response) => answerAsTold(request.url, request, response))
    },
  }
}
