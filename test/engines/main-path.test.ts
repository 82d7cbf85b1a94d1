import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runtimeDigests } from '../../packages/sdk/src/worker/runtime-digests.js'
import { startServer } from '../bench/support/server.mjs'
import { askBesideNewer, pruneAndRemove, rotAndHeal } from './support/cache-scripts.js'
import type { Engine } from './support/engine.js'
import { firefoxPath, startFirefox } from './support/firefox.js'
import { startWebKit, webKitDriverPath } from './support/webkit.js'

const engines = [
  { name: 'Firefox', path: firefoxPath, start: startFirefox },
  { name: 'WebKitGTK', path: webKitDriverPath, start: startWebKit },
]

/**
 * Embeds two sentences on the device and tells what happened.
 *
 * On a busy machine, Firefox now and then blocks the worker for ever, in the `new Worker` with which ONNX Runtime starts its
 * threads. The client ends such a worker and replays the request: after so short a silence that a test sees it, too.
 */
const embed = `
  const { createClient } = await import('/sdk/index.js')
  const edge = createClient({ backends: ['wasm'], hangMs: 9_000 })
  const progress = [], storage = []
  edge.on('download', (event) => progress.push(event))
  edge.on('storage', (event) => storage.push(event.reason))
  const { output, placement, attempts } = await edge.pipeline('feature-extraction', 'all-minilm-l6-v2')(
    ['A kitten naps on the couch.', 'The cat is sleeping on the sofa.'])
  await edge.dispose()
  const similarity = output[0].reduce((sum, value, index) => sum + value * output[1][index], 0)
  const codes = attempts.map(({ code, details }) => code + (details.hung ? ' (hung)' : ''))
  return { similarity, placement, codes, storage, first: progress.at(0), last: progress.at(-1) }`

/** The first worker of the page blocks where Firefox does: while the runtime starts, and without a word. */
const blockFirstWorker = `
  const script = (text) => URL.createObjectURL(new Blob([text], { type: 'text/javascript' }))
  const block = script('WebAssembly.instantiate = () => { for (;;); }')
  const AsShipped = Worker
  let isFirst = true
  globalThis.Worker = class extends AsShipped {
    constructor(url, options) {
      const blocked = () => script('import ' + JSON.stringify(block) + '; import ' + JSON.stringify(String(url)))
      super(isFirst ? blocked() : url, options)
      isFirst = false
    }
  }`

/** Some of what the page gives. */
interface Answer {
  readonly similarity: number
  readonly codes: readonly string[]
  readonly last: { readonly totalBytes: number }
}

/** What may be wrong with an attempt whose request was answered all the same. */
const hung = 'WORKER_DIED (hung)'

/** Far more than two hangs take. */
const timeout = 60_000

const file = 'model_q8.onnx'

describe.each(engines)('$name', ({ path, start }) => {
  const isThere = existsSync(path)
  const requests: string[] = []
  let engine: Engine
  let server: Awaited<ReturnType<typeof startServer>>

  beforeAll(async () => {
    if (!isThere) return
    server = await startServer({}, (url) => requests.push(url))
    engine = await start()
  })

  afterAll(async () => {
    if (!isThere) return
    await engine.close()
    server.close()
  })

  test.skipIf(!isThere)('answers on the device at the first visit', { timeout }, async () => {
    const result = (await engine.run(`${server.url}/index.html`, embed)) as Answer
    expect(result).toMatchObject({
      placement: { engine: 'device', backend: 'wasm', variant: 'q8' },
      first: { cachedBytes: 0 },
    })
    expect(result.codes.filter((code) => code !== hung)).toEqual([])
    expect(result.similarity).toBeGreaterThan(0.5)
    expect(requests.some((url) => url.includes(file))).toBe(true)
  })

  test.skipIf(!isThere)('refuses a file that has not the digest which ONNX Runtime is fetched with', async () => {
    const fetchWith = (digest: string) =>
      `return fetch('/sdk/ort/ort-wasm-simd-threaded.wasm', { integrity: '${digest}' }).then(() => 'taken', () => 'refused')`
    expect(await engine.run(`${server.url}/index.html`, fetchWith(runtimeDigests.wasm))).toBe('taken')
    expect(await engine.run(`${server.url}/index.html`, fetchWith(runtimeDigests.jspi))).toBe('refused')
  })

  test.skipIf(!isThere)('answers from the cache at the second', { timeout }, async () => {
    requests.length = 0
    const result = (await engine.run(`${server.url}/index.html`, embed)) as Answer
    expect(result).toMatchObject({ placement: { engine: 'device' }, storage: [] })
    expect(result.last).toMatchObject({ cachedBytes: result.last.totalBytes })
    expect(requests.filter((url) => url.includes(file))).toEqual([])
  })

  test.skipIf(!isThere)(
    'ends a worker whose thread is blocked, and replays the request on a fresh one',
    { timeout },
    async () => {
      const result = (await engine.run(`${server.url}/index.html`, `${blockFirstWorker}${embed}`)) as Answer
      expect(result).toMatchObject({ placement: { engine: 'device' } })
      expect(result.similarity).toBeGreaterThan(0.5)
      expect(result.codes).toContain(hung)
    },
  )

  test.skipIf(!isThere)('finds rot when it verifies, and fetches the rotten or the missing chunk only', async () => {
    const result = (await engine.run(`${server.url}/index.html`, rotAndHeal)) as { chunkBytes: number }
    expect(result).toMatchObject({
      before: { wrongChunks: 0 },
      rotten: { wrongChunks: 1 },
      wasListed: false,
      healed: [result.chunkBytes, result.chunkBytes],
      after: { wrongChunks: 0 },
      isListed: true,
    })
  })

  test.skipIf(!isThere)('prunes what no model needs, and removes a model with its chunks', async () => {
    const result = (await engine.run(`${server.url}/index.html`, pruneAndRemove)) as Record<string, unknown>
    expect(result['needed']).not.toEqual([])
    expect(result).toMatchObject({ pruned: result['needed'], state: 'absent', removed: [] })
    expect(result['freedBytes']).toBeGreaterThan(0)
  })

  test.skipIf(!isThere)('leaves the database of a newer version alone, and answers from memory', async () => {
    // An origin of its own: WebKitGTK now and then keeps a connection of a page that is gone, which blocks the upgrade.
    expect(await engine.run(`http://localhost:${server.port}/index.html`, askBesideNewer)).toMatchObject({
      placement: { engine: 'device' },
      storage: [expect.stringContaining('newer version')],
      version: 99,
    })
  })
})
