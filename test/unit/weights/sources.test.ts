/** Manifests are found by a model's id, over real HTTP, and nothing else is taken for one. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fileUrl, loadManifest as loadFrom, manifestUrl } from '../../../packages/sdk/src/weights/index.js'
import type { Fault } from '../../browser/support/faults.js'
import { startFileServer } from '../../browser/support/file-server.js'

const manifest = {
  schemaVersion: 1,
  id: 'tiny',
  revision: 'r1',
  task: 'tensors',
  licence: 'Apache-2.0',
  chunkBytes: 4,
  assets: {},
  config: {},
  variants: [
    {
      dtype: 'fp32',
      backends: ['wasm'],
      graphs: {
        model: { file: { path: 'm.onnx', bytes: 0, sha256: 'a'.repeat(64), chunks: [] }, inputs: [], outputs: [] },
      },
    },
  ],
  provenance: [],
  packedBy: 'test',
}
const never = new AbortController().signal
const quick = { stallMs: 300, maxTries: 3, retryBaseMs: 1, retryMaxMs: 1, maxRetryAfterMs: 10 }
const loadManifest = async (folder: string, id: string, signal: AbortSignal) =>
  loadFrom([manifestUrl(folder, id)], { id }, signal, quick)

let server: Awaited<ReturnType<typeof startFileServer>>
let models: string
beforeAll(async () => {
  server = await startFileServer()
  models = `${server.url}/files/models`
})
afterAll(() => server.stop())

async function serve(id: string, body: string, ...faults: Fault[]): Promise<void> {
  await fetch(`${models}/${id}/manifest.json`, { method: 'PUT', body })
  const path = `${server.url}/faults/models/${id}/manifest.json`
  await fetch(path, { method: 'PUT', body: JSON.stringify(faults) })
}

describe('loadManifest', () => {
  test('brings the manifest and its address, with or without a slash after the folder', async () => {
    await serve('tiny', `\uFEFF${JSON.stringify({ ...manifest, licence: 'Ἀθήνα' })}`)
    const url = `${models}/tiny/manifest.json`
    for (const folder of [models, `${models}/`]) {
      const loaded = await loadManifest(folder, 'tiny', never)
      expect(loaded).toMatchObject({ url, manifest: { id: 'tiny', licence: 'Ἀθήνα' } })
    }
  })

  test.each([404, 410])('says MANIFEST_NOT_FOUND for status %i', async (status) => {
    await serve('absent', '', { kind: 'status', status })
    await expect(loadManifest(models, 'absent', never)).rejects.toMatchObject({
      code: 'MANIFEST_NOT_FOUND',
      message: expect.stringContaining(`${models}/absent/manifest.json`) as string,
      details: { model: 'absent', status },
    })
  })

  test.each<[string, string, Fault[], RegExp]>([
    ['a page', '', [{ kind: 'html' }], /text\/html.*instead of JSON/],
    ['broken JSON', '{"schemaVersion": 1', [], /is no JSON/],
    ['an empty file', '', [], /is no JSON/],
    ['JSON that is no manifest', '{}', [], /is missing/],
    ['the manifest of another model', JSON.stringify(manifest), [], /id is "tiny", should be "wrong"/],
  ])('says MANIFEST_INVALID for %s', async (_, body, faults, message) => {
    await serve('wrong', body, ...faults)
    const load = loadManifest(models, 'wrong', never)
    await expect(load).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      message: expect.stringMatching(message) as string,
    })
    await expect(load).rejects.toThrow(`${models}/wrong/manifest.json`)
  })

  test.each<[string, Fault]>([
    ['an error of the server', { kind: 'status', status: 503 }],
    ['a cut connection', { kind: 'cut', afterBytes: 3 }],
  ])('says DOWNLOAD_FAILED for %s', async (_, fault) => {
    await serve('tiny', JSON.stringify(manifest), fault)
    await expect(loadManifest(models, 'tiny', never)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
  })

  test('says DOWNLOAD_FAILED when nobody answers', async () => {
    const closed = createServer()
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
    // A server that listens on a port has an address with a port.
    const { port } = closed.address() as AddressInfo
    await new Promise((resolve) => closed.close(resolve))
    const load = loadManifest(`http://127.0.0.1:${port}/`, 'tiny', never)
    await expect(load).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
  })

  test.each(['', '.', '..', '../tiny', 'a/b', 'a\\b', '%2e%2e', 'http://else', '.hidden', 'tiny?x', 'tiny#x', ' tiny'])(
    'refuses the id "%s" without a request',
    async (id) => {
      await expect(loadManifest('http://127.0.0.1:1/', id, never)).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        details: { option: 'model', value: id },
      })
    },
  )

  test('refuses a folder that is no address', async () => {
    await expect(loadManifest('models', 'tiny', never)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      details: { option: 'models', value: 'models' },
    })
  })

  test('rejects with the reason when it is aborted', async () => {
    await serve('tiny', JSON.stringify(manifest), { kind: 'silence' })
    const controller = new AbortController()
    const load = loadManifest(models, 'tiny', controller.signal)
    const reason = new Error('no longer wanted')
    controller.abort(reason)
    await expect(load).rejects.toBe(reason)
  })
})

describe('loadManifest with mirrors', () => {
  const urls = () => ['one', 'two', 'three'].map((mirror) => `${models}/${mirror}/tiny/manifest.json`)
  const serveAt = (mirror: string, body: string, ...faults: Fault[]) => serve(`${mirror}/tiny`, body, ...faults)
  const text = (revision = 'r1') => JSON.stringify({ ...manifest, revision })
  const log = async (mirror: string) =>
    (await (await fetch(`${server.url}/log/models/${mirror}/tiny/manifest.json`)).json()) as unknown[]

  test.each<[string, string, Fault[]]>([
    ['is not there', '', [{ kind: 'status', status: 404 }]],
    ['is broken', '', [{ kind: 'status', status: 500 }]],
    ['says nothing', '', [{ kind: 'silence' }]],
    ['breaks off', text(), [{ kind: 'cut', afterBytes: 3 }]],
    ['sends a page', '', [{ kind: 'html' }]],
    ['sends no JSON', 'moved', []],
    ['has another revision than the one that is wanted', text('r0'), []],
  ])('the first one %s: the next one has it', async (_, body, faults) => {
    await serveAt('one', body, ...faults)
    await serveAt('two', text())
    await serveAt('three', text())
    const found = await loadFrom(urls(), { id: 'tiny', revision: 'r1' }, never, quick)
    expect(found).toMatchObject({ url: urls()[1], manifest: { revision: 'r1' } })
    expect([await log('one'), await log('three')]).toMatchObject([[{}], []])
  })

  test('what may pass is asked for again, a few times; what is not there is not', async () => {
    await serveAt('one', '', { kind: 'status', status: 404 })
    await serveAt('two', text(), { kind: 'status', status: 503, times: 2 })
    await serveAt('three', '', { kind: 'status', status: 403 })
    expect((await loadFrom(urls(), { id: 'tiny' }, never, quick)).url).toBe(urls()[1])
    expect([await log('one'), await log('two'), await log('three')].map(({ length }) => length)).toEqual([1, 3, 1])
  })

  test.each<[string, string, Fault[]]>([
    ['MANIFEST_NOT_FOUND', '', [{ kind: 'status', status: 404 }]],
    ['MANIFEST_INVALID', '{}', []],
    ['DOWNLOAD_FAILED', '', [{ kind: 'status', status: 503 }]],
  ])('says %s when that is so everywhere, and names every address', async (code, body, faults) => {
    for (const mirror of ['one', 'two', 'three']) await serveAt(mirror, body, ...faults)
    const load = loadFrom(urls(), { id: 'tiny' }, never, quick)
    const mirrors = urls().map((url) => expect.objectContaining({ url, code }) as unknown)
    await expect(load).rejects.toMatchObject({ code, details: { mirrors } })
    for (const url of urls()) await expect(load).rejects.toThrow(url)
  })

  test('says which revision is there when it is another one', async () => {
    await serveAt('one', text('r2'))
    const load = loadFrom(urls().slice(0, 1), { id: 'tiny', revision: 'r1' }, never, quick)
    await expect(load).rejects.toMatchObject({ code: 'MANIFEST_NOT_FOUND', details: { revision: 'r1', there: 'r2' } })
    await expect(load).rejects.toThrow('which has revision "r2"')
  })
})

describe('fileUrl', () => {
  test('lies beside the manifest', () => {
    const url = fileUrl('https://models.example/m/tiny/manifest.json?v=2', 'onnx/model_q8.onnx')
    expect(url).toBe('https://models.example/m/tiny/onnx/model_q8.onnx')
  })

  test('takes characters that mean something in an address for what they are in a name', () => {
    expect(fileUrl('https://models.example/m/manifest.json', 'a#b?c%20+@.bin')).toBe(
      'https://models.example/m/a%23b%3Fc%2520%2B%40.bin',
    )
  })
})
