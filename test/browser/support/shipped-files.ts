/** A Vite plugin that serves the SDK's dist/ at `/shipped/` as it is, without Vitest's changes to what it serves. */
import sirv from 'sirv'
import type { Plugin } from 'vitest/config'

export function shippedFiles(): Plugin {
  return {
    name: 'edgeward-shipped-files',
    configureServer(server) {
      const isolated = (response: { setHeader(name: string, value: string): void }) => {
        response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
      }
      server.middlewares.use('/shipped', sirv('packages/sdk/dist', { dev: true, etag: true, setHeaders: isolated }))
    },
  }
}
