/** Text generation in the real worker: a GGUF over HTTP, through the cache, made into a graph, and read as a stream. */
import { expect, inject, test } from 'vitest'
import { modelKey } from '../../packages/sdk/src/transport/index.js'
import {
  generate,
  iterate,
  locate,
  onWasm,
  prepare,
  serveGguf,
  signal,
  startWorker,
  textOf,
  tinyGguf,
} from './support/language-models.js'
import { serveHub } from './support/hub.js'
import { workerWithPrelude } from './support/worker-prelude.js'

const alphabet = 'abcdefghijklmnopqrstuvwxyz'
const behind = (letter: string) => alphabet.slice(alphabet.indexOf(letter) + 1)

/** A worker that may ask for its own scripts only. */
const workerWithoutNetwork = () =>
  workerWithPrelude(`const { fetch } = self
self.fetch = (url, init) => String(url).includes('/shipped/') ? fetch(url, init) : Promise.reject(new TypeError('offline'))`)

async function drained(stream: ReadableStream<unknown>): Promise<void> {
  const reader = stream.getReader()
  while (!(await reader.read()).done);
}

test('a GGUF at an address has a manifest before it is downloaded', async () => {
  const { url, file, misbehave, requests } = await serveGguf()
  await misbehave({ kind: 'validator', etag: '"one"' })
  const { manifest, manifestUrl } = await locate(await startWorker(), `${url}?token=1`)
  expect(manifestUrl).toBe(`${url}?token=1`)
  expect(manifest).toMatchObject({
    id: `${url}?token=1`,
    task: 'text-generation',
    config: {
      architecture: 'llama',
      layers: 2,
      kvHeads: 2,
      headSize: 16,
      vocabularySize: 260,
      eosTokenIds: [258, 256],
    },
    assets: {},
  })
  const places = manifest.variants.map(({ dtype, backends }) => `${dtype} ${backends.join()}`)
  expect(places).toEqual(['q4f16 webgpu', 'q4 webgpu', 'fp32 wasm', 'int8 wasm', 'q8 wasm'])
  for (const { graphs, memoryBytes } of manifest.variants) {
    expect(graphs['model']?.file).toMatchObject({ path: 'tiny.gguf', bytes: file.bytes, sha256: '' })
    expect(memoryBytes).toBeGreaterThan(0)
  }
  // Its length, and its header.
  expect(await requests()).toHaveLength(2)
})

test('a GGUF writes text, chats included', async () => {
  const { url } = await serveGguf()
  const connection = await startWorker()
  const ready = await prepare(connection, url)
  expect(ready.told).toContain('published')
  const events = []
  for await (const event of iterate(await generate(connection, ready, { prompt: 'k' }))) events.push(event)
  expect(events[0]).toMatchObject({ type: 'start', promptIds: ['k'.charCodeAt(0)] })
  expect(events.at(-1)).toMatchObject({ type: 'finish', reason: 'stop', usage: { promptTokens: 1 } })
  expect(events.map((event) => (event.type === 'delta' ? event.text : '')).join('')).toBe(behind('k'))
  const chat = { messages: [{ role: 'user', content: 'Say the alphabet.' }] } as const
  expect(await textOf(await generate(connection, ready, chat))).toBe(alphabet)
})

test.each(['int8', 'q8'] as const)('on WASM as %s, it writes the same', async (variant) => {
  const { url } = await serveGguf()
  const connection = await startWorker()
  const ready = await prepare(connection, url, 'cache-first', { backend: 'wasm', variant })
  expect(await textOf(await generate(connection, ready, { prompt: 'k' }))).toBe(behind('k'))
})

test('the second visit needs no network, also when it says so', async () => {
  const { url, requests } = await serveGguf()
  await prepare(await startWorker(), url)
  const before = (await requests()).length
  const connection = await startWorker(workerWithoutNetwork())
  const ready = await prepare(connection, url)
  expect(await textOf(await generate(connection, ready, { prompt: 'w' }))).toBe('xyz')
  const offline = await prepare(await startWorker(workerWithoutNetwork()), url, 'cache')
  expect(offline.source.offline).toBe(true)
  expect(await requests()).toHaveLength(before)
})

test('another file at the same address is another revision', async () => {
  const served = await serveGguf()
  await served.misbehave({ kind: 'validator', etag: '"one"' })
  const connection = await startWorker()
  const { source: before } = await prepare(connection, served.url)
  await served.misbehave({ kind: 'validator', etag: '"two"' })
  expect((await locate(connection, served.url)).manifest.revision).toBe(before.manifest.revision)
  const { manifest } = await locate(connection, served.url, 'source')
  expect(manifest.revision).not.toBe(before.manifest.revision)
})

test('an architecture that cannot be run is refused before the file is fetched', async () => {
  const long = Uint8Array.from([...tinyGguf('mamba'), ...new Uint8Array(12e6)])
  const { url, requests } = await serveGguf(long)
  const refusal = locate(await startWorker(), url)
  await expect(refusal).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED', details: { architecture: 'mamba' } })
  const sent = (await requests()).reduce((sum, { sentBytes }) => sum + sentBytes, 0)
  expect(sent).toBeLessThan(long.length / 4)
})

test('what is no GGUF, and what is not there, is told as what it is', async () => {
  const connection = await startWorker()
  const { url } = await serveGguf(new TextEncoder().encode('GIF89a, which is something else'.repeat(100)))
  await expect(locate(connection, url)).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
  const nothing = `${inject('fileServer')}/files/${crypto.randomUUID()}/no.gguf`
  await expect(locate(connection, nothing)).rejects.toMatchObject({ code: 'MANIFEST_NOT_FOUND' })
})

test('bytes of another digest are refused', async () => {
  const served = await serveGguf()
  const connection = await startWorker()
  const source = await connection.call('locate', { modelsUrls: [], model: served.url, from: 'source' }, { signal })
  // As a hub tells it, of a file that somebody has changed.
  const [variant] = source.manifest.variants.filter(({ dtype }) => dtype === 'fp32')
  const file = { ...variant!.graphs['model']!.file, sha256: 'b'.repeat(64) }
  const changed = { ...variant!, graphs: { model: { ...variant!.graphs['model']!, file } } }
  const wrong = { ...source, manifest: { ...source.manifest, variants: [changed] as const } }
  await connection.call('register', wrong, { signal })
  const model = modelKey(wrong.manifest)
  const events = await connection.call('prepare', { model, ...onWasm, threads: 1 }, { signal })
  await expect(drained(events)).rejects.toMatchObject({ code: 'INTEGRITY' })
})

test('an abort in the middle of a stream ends it, and the next request is right', async () => {
  const { url } = await serveGguf()
  const connection = await startWorker()
  const ready = await prepare(connection, url)
  const reader = (await generate(connection, ready, { prompt: 'a' })).getReader()
  for (let read = 0; read < 5; read += 1) await reader.read()
  await reader.cancel(new DOMException('Enough.', 'AbortError'))
  const { runs } = await connection.call('vitals', undefined, { signal })
  await connection.call('vitals', undefined, { signal })
  expect((await connection.call('vitals', undefined, { signal })).runs - runs).toBeLessThanOrEqual(1)
  expect(await textOf(await generate(connection, ready, { prompt: 'abc' }))).toBe(behind('c'))
})

test('nothing is generated that nobody reads', async () => {
  const { url } = await serveGguf()
  const connection = await startWorker()
  const ready = await prepare(connection, url)
  const stream = await generate(connection, ready, { prompt: 'a' })
  const reader = stream.getReader()
  await reader.read()
  await reader.read()
  const { runs } = await connection.call('vitals', undefined, { signal })
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect((await connection.call('vitals', undefined, { signal })).runs).toBe(runs)
  await reader.cancel()
})

test('two streams at once take turns', async () => {
  const { url } = await serveGguf()
  const connection = await startWorker()
  const ready = await prepare(connection, url)
  const order: string[] = []
  const follow = async (name: string, prompt: string) => {
    let text = ''
    for await (const event of iterate(await generate(connection, ready, { prompt }))) {
      if (event.type === 'delta') order.push(name)
      if (event.type === 'delta') text += event.text
    }
    return text
  }
  expect(await Promise.all([follow('one', 'a'), follow('two', 'b')])).toEqual([behind('a'), behind('b')])
  const changes = order.filter((name, index) => index > 0 && name !== order[index - 1]).length
  expect(changes).toBeGreaterThan(20)
})

test('a shutdown ends what is being written, and leaves nothing', async () => {
  const { url } = await serveGguf()
  const connection = await startWorker()
  const ready = await prepare(connection, url)
  const reader = (await generate(connection, ready, { prompt: 'a' })).getReader()
  await reader.read()
  const left = await connection.call('shutdown', undefined, { signal })
  expect(left).toEqual({ sessions: 0, gpuDevices: 0, databases: 0 })
  await expect(reader.read()).rejects.toMatchObject({ code: 'DISPOSED' })
})

test('a file that the user gives runs, by whatever name', async () => {
  const connection = await startWorker()
  const id = `local:tiny-${crypto.randomUUID()}`
  const files = new Blob([tinyGguf()])
  await connection.call('add', { id, revision: crypto.randomUUID(), files }, { signal })
  const ready = await prepare(connection, id)
  expect(await textOf(await generate(connection, ready, { prompt: 't' }))).toBe('uvwxyz')
})

test('a GGUF of a hub runs at the commit that its branch stands for, and offline', async () => {
  const bytes = tinyGguf()
  const hub = await serveHub({ 'folder/tiny-q4.gguf': bytes })
  const connection = await startWorker()
  await connection.call('configure', { huggingFace: { baseUrl: hub.baseUrl } }, { signal })
  const name = 'hf:org/repo/folder/tiny-q4.gguf'
  const ready = await prepare(connection, name)
  const { manifest, manifestUrl } = ready.source
  expect(manifest).toMatchObject({ id: name, provenance: [{ source: `${name}@main` }] })
  expect(manifestUrl).toContain(`/org/repo/resolve/${manifest.revision}/folder/tiny-q4.gguf`)
  expect(await textOf(await generate(connection, ready, { prompt: 'w' }))).toBe('xyz')
  const offline = await startWorker(workerWithoutNetwork())
  await offline.call('configure', { huggingFace: { baseUrl: hub.baseUrl } }, { signal })
  const again = await prepare(offline, `${name}@main`)
  expect(await textOf(await generate(offline, again, { prompt: 'x' }))).toBe('yz')
  await expect(locate(connection, 'hf:org/repo/other.gguf')).rejects.toMatchObject({
    code: 'MANIFEST_NOT_FOUND',
    details: { there: ['folder/tiny-q4.gguf'] },
  })
})
