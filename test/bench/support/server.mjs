/** Serves a benchmark's page: cross-origin isolated, with the SDK as it is shipped, the models, and the peers. */
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import sirv from 'sirv'
import { fromRoot } from '../../../scripts/lib/root.mjs'

/** What Transformers.js asks for beside the files that it shares with Edgeward. */
const transformersConfig = JSON.stringify({
  architectures: ['BertModel'],
  model_type: 'bert',
  hidden_size: 384,
  num_hidden_layers: 6,
  num_attention_heads: 12,
  intermediate_size: 1536,
  max_position_embeddings: 512,
  vocab_size: 30522,
})

/**
 * `/sdk/` is dist, `/models/` the packed models (also `/fresh/<anything>/`, an address that no HTTP cache knows, and under
 * the names of a Hugging Face repository), `/peer/<name>/` a peer's package; everything else are the benchmark's scripts.
 *
 * @param {Readonly<Record<string, string>>} [peerFolders]
 * @param {(url: string) => void} [onRequest]
 * @returns {Promise<{ url: string, port: number, close(): void }>}
 */
export async function startServer(peerFolders = {}, onRequest = () => undefined) {
  const folder = (/** @type {string} */ path) => sirv(path, { etag: true, maxAge: 3600, setHeaders })
  const scripts = folder(fileURLToPath(new URL('../pages', import.meta.url)))
  const models = folder(fromRoot('.models'))
  const handlers = new Map([['sdk', folder(fromRoot('packages', 'sdk', 'dist'))]])
  for (const [name, path] of Object.entries(peerFolders)) handlers.set(`peer/${name}`, folder(path))

  const server = createServer((request, response) => {
    const url = request.url ?? '/'
    onRequest(url)
    const notFound = () => void response.writeHead(404).end()
    const [, place = '', rest = ''] = /^\/(sdk|models|fresh\/[^/]+|peer\/[^/]+)\/(.*)$/.exec(url) ?? []
    if (place === '') return scripts(request, response, notFound)
    if (rest.endsWith('/config.json')) return response.end(transformersConfig)
    request.url = `/${rest.replace('onnx/model_quantized.onnx', 'model_q8.onnx')}`
    return (handlers.get(place) ?? models)(request, response, notFound)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${address.port}`, port: address.port, close }
}

/** @param {import('node:http').ServerResponse} response */
function setHeaders(response) {
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
  response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
}
