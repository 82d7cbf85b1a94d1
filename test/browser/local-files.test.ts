/** Files that the user gives: in memory, by their paths, as a folder; in the cache or without it. */
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { cosine, testClient, tinyInput } from './support/clients.js'
import { miniLm, tinyHub, unique, type HubFiles } from './support/hub.js'
import { serveModel } from './support/models.js'
import { workerWithPrelude } from './support/worker-prelude.js'
import { capturedWorkers } from './support/workers.js'

const uniqueModel = () => `local:model-${crypto.randomUUID()}`
const localClient = () => testClient({ backends: ['wasm'], models: '/no-models-here/' })
const tinyBytes = async () => (await tinyHub())['onnx/model.onnx'] ?? new Uint8Array()
const text = 'How do I reset my password?'

/** A worker that may ask for its own scripts only. */
const workerWithoutNetwork = () =>
  workerWithPrelude(`const { fetch } = self
self.fetch = (url, init) => String(url).includes('/shipped/') ? fetch(url, init) : Promise.reject(new TypeError('offline'))`)

async function folderOf(files: Readonly<Record<string, BlobPart>>): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory()
  const name = crypto.randomUUID()
  const folder = await root.getDirectoryHandle(name, { create: true })
  onTestFinished(() => root.removeEntry(name, { recursive: true }))
  for (const [path, bytes] of Object.entries(files)) {
    const [file = '', ...folders] = path.split('/').reverse()
    let at = folder
    for (const inner of folders.reverse()) at = await at.getDirectoryHandle(inner, { create: true })
    const writable = await (await at.getFileHandle(file, { create: true })).createWritable()
    await writable.write(new Blob([bytes]))
    await writable.close()
  }
  return folder
}

/** A packed folder whose chunks no cache has seen; its manifest holds for these files. */
async function packedTiny(): Promise<HubFiles> {
  const { modelsUrl, model } = await serveModel('tiny-mlp')
  const load = async (path: string) => new Uint8Array(await (await fetch(`${modelsUrl}${model}/${path}`)).arrayBuffer())
  return { 'manifest.json': await load('manifest.json'), 'model.onnx': await load('model.onnx') }
}

describe('one ONNX file', () => {
  test.each([
    ['as bytes', (bytes: Uint8Array<ArrayBuffer>) => bytes],
    ['as a Blob', (bytes: Uint8Array<ArrayBuffer>) => new Blob([bytes])],
    ['as a File', (bytes: Uint8Array<ArrayBuffer>) => new File([bytes], 'model_quantized.onnx')],
  ])('%s runs, and is there on the next visit without it', async (_, give) => {
    const model = uniqueModel()
    const first = localClient()
    const status = await first.models.add(model, give(await tinyBytes()))
    expect(status).toMatchObject({ state: 'cached', id: model })
    const { output } = await first.run(model, tinyInput())
    await first.dispose()
    const second = testClient({ backends: ['wasm'], workerUrl: workerWithoutNetwork() })
    expect((await second.run(model, tinyInput())).output).toEqual(output)
  })

  test('tells its progress, and can be given again, changed', async () => {
    const model = uniqueModel()
    const edge = localClient()
    const bytes = await tinyBytes()
    const heard: number[] = []
    const before = await edge.models.add(model, bytes, { onProgress: ({ loadedBytes }) => heard.push(loadedBytes) })
    expect(heard.at(-1)).toBe(bytes.length)
    const after = await edge.models.add(model, unique(bytes))
    expect([before.state, after.state]).toEqual(['cached', 'cached'])
    expect(after.state === 'cached' && after.bytes).toBeGreaterThan(bytes.length)
    expect((await edge.run(model, tinyInput())).placement.engine).toBe('device')
  })

  test('that is none is refused', async () => {
    const adding = localClient().models.add(uniqueModel(), new TextEncoder().encode('no model at all'))
    await expect(adding).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
  })
})

describe('a folder in the layout of the hub', () => {
  test('answers as the packed model does, from files by their paths and from a directory', async () => {
    const files = await miniLm()
    const edge = testClient({ backends: ['wasm'] })
    const [byPath, inFolder] = [uniqueModel(), uniqueModel()]
    await edge.models.add(byPath, files)
    await edge.models.add(inFolder, await folderOf({ ...files, '.git/config': 'x', 'pytorch_model.pt': 'x' }))
    const answers = await Promise.all(
      [byPath, inFolder, 'all-minilm-l6-v2'].map((model) => edge.pipeline('feature-extraction', model)(text)),
    )
    const [a, b, packed] = answers.map(({ output }) => output[0])
    expect(a && packed && cosine(a, packed)).toBeCloseTo(1, 6)
    expect(b).toEqual(a)
  })
})

describe('a packed folder', () => {
  test('is checked against its own manifest', async () => {
    const files = await packedTiny()
    const edge = localClient()
    const model = uniqueModel()
    expect((await edge.models.add(model, await folderOf(files))).state).toBe('cached')
    expect((await edge.run(model, tinyInput())).placement.engine).toBe('device')
    const damaged = Uint8Array.from(files['model.onnx'] ?? [])
    damaged[100] = (damaged[100] ?? 0) ^ 0xff
    const other = localClient()
    let { freedBytes } = await edge.models.remove(model)
    // Nothing is deleted while somebody still loads.
    await expect.poll(async () => (freedBytes += (await edge.models.prune()).freedBytes)).toBeGreaterThan(0)
    const adding = other.models.add(uniqueModel(), { ...files, 'model.onnx': damaged })
    await expect(adding).rejects.toMatchObject({ code: 'INTEGRITY' })
  })

  test('that lacks a file names it', async () => {
    const { 'manifest.json': manifest = new Uint8Array() } = await packedTiny()
    const adding = localClient().models.add(uniqueModel(), { 'manifest.json': manifest })
    const message = expect.stringContaining('model.onnx') as string
    await expect(adding).rejects.toMatchObject({ code: 'MANIFEST_INVALID', message })
  })
})

test('files that cannot be kept run from where they are, also in a fresh worker', async () => {
  const { workers, restore } = capturedWorkers()
  onTestFinished(restore)
  const edge = testClient({ backends: ['wasm'], storage: { maxBytes: 10 } })
  const told = vi.fn()
  edge.on('storage', told)
  const model = uniqueModel()
  expect(await edge.models.add(model, await tinyBytes())).toEqual({ state: 'absent' })
  expect(told).toHaveBeenCalled()
  const { output } = await edge.run(model, tinyInput())
  workers[0]?.terminate()
  expect(await edge.run(model, tinyInput())).toMatchObject({ output, attempts: [{ code: 'WORKER_DIED' }] })
  expect(workers).toHaveLength(2)
})

test('a model whose files are gone asks for them', async () => {
  const model = uniqueModel()
  const first = localClient()
  await first.models.add(model, await tinyBytes())
  await first.models.remove(model)
  await first.dispose()
  const message = expect.stringContaining('models.add') as string
  await expect(localClient().run(model, tinyInput())).rejects.toMatchObject({ code: 'MANIFEST_NOT_FOUND', message })
})

test.each(['tiny-mlp', 'local:', 'local:../x'])('files are not added as %s', async (model) => {
  const adding = localClient().models.add(model, await tinyBytes())
  await expect(adding).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})

test.each(['../model.onnx', '/model.onnx', 'a//model.onnx'])('a file is not taken at the path %s', async (path) => {
  const adding = localClient().models.add(uniqueModel(), { [path]: await tinyBytes() })
  await expect(adding).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})
