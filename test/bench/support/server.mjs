/** Serves a benchmark's page: cross-origin isolated, with the SDK as it is shipped, the models, and the peers. */
import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import sirv from 'sirv'
import { fromRoot } from '../../../scripts/lib/root.mjs'
import { readKnownDigests } from './known-digests.mjs'
import { syntheticFolder } from './synthetic-models.mjs'

/** What Transformers.js asks for beside the files that it shares with Edgeward. */
export const transformersConfig = JSON.stringify({
  architectures: ['BertModel'],
  model_type: 'bert',
  hidden_size: 384,
  num_hidden_layers: 6,
  num_attention_heads: 12,
  intermediate_size: 1536,
  max_position_embeddings: 512,
  vocab_size: 30522,
})

/** @typedef {{ error?: string, ms: number, longestTaskMs: number, vector: number[] }} PageResult as `pages/visit.js` sends it */

/**
 * @typedef {object} BenchServer
 * @property {string} url
 * @property {number} port
 * @property {(signal: AbortSignal) => Promise<PageResult>} nextResult what the next page sends to `/result`
 * @property {() => void} close
 */

/**
 * `/sdk/` is dist, `/models/` the packed models (also `/fresh/<anything>/`, an address that no HTTP cache knows),
 * `/synthetic/` those of this benchmark, both also under the names of a Hugging Face repository, `/peer/<name>/` a peer's
 * package; everything else are the benchmark's scripts, and `/known-digests.json` what they need to do without hashing.
 *
 * @param {Readonly<Record<string, string>>} [peerFolders]
 * @param {(url: string) => void} [onRequest]
 * @returns {Promise<BenchServer>}
 */
export async function startServer(peerFolders = {}, onRequest = () => undefined) {
  const folder = (/** @type {string} */ path) => sirv(path, { etag: true, maxAge: 3600, setHeaders })
  const scripts = folder(fileURLToPath(new URL('../pages', import.meta.url)))
  const models = folder(fromRoot('.models'))
  const handlers = new Map([
    ['sdk', folder(fromRoot('packages', 'sdk', 'dist'))],
    ['synthetic', folder(syntheticFolder)],
  ])
  for (const [name, path] of Object.entries(peerFolders)) handlers.set(`peer/${name}`, folder(path))

  const results = new EventEmitter()
  const server = createServer((request, response) => {
    const url = request.url ?? '/'
    onRequest(url)
    const notFound = () => void response.writeHead(404).end()
    const [, place = '', rest = ''] = /^\/(sdk|models|synthetic|fresh\/[^/]+|peer\/[^/]+)\/(.*)$/.exec(url) ?? []
    if (url === '/result') return void takeResult(request, response, results)
    if (url === '/known-digests.json') return answerKnownDigests(response)
    if (place === '') return scripts(request, response, notFound)
    if (rest.endsWith('/config.json')) return response.end(transformersConfig)
    request.url = `/${rest.replace('onnx/model_quantized.onnx', 'model_q8.onnx').replace('/onnx/', '/')}`
    return (handlers.get(place) ?? models)(request, response, notFound)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  /** @param {AbortSignal} signal */
  const nextResult = async (signal) => (await once(results, 'result', { signal }))[0]
  return { url: `http://127.0.0.1:${address.port}`, port: address.port, nextResult, close }
}

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 * @param {EventEmitter} results
 */
async function takeResult(request, response, results) {
  results.emit('result', await json(request))
  response.end()
}

/** @type {Promise<string> | undefined} */
let knownDigests

/** @param {import('node:http').ServerResponse} response */
async function answerKnownDigests(response) {
  const folders = [fromRoot('.models'), syntheticFolder]
  knownDigests ??= readKnownDigests(folders, fromRoot('packages', 'sdk', 'dist', 'ort')).then((known) =>
    JSON.stringify(known),
  )
  response.setHeader('Content-Type', 'application/json')
  response.end(await knownDigests)
}

/** @param {import('node:http').ServerResponse} response */
function setHeaders(response) {
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
  response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
}
