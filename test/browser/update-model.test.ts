/** An update of several variants, in the worker's own code, against the misbehaving server: all of it, or nothing. */
import { expect, inject, test } from 'vitest'
import type { Manifest } from 'edgeward'
import { ForegroundGate } from '../../packages/sdk/src/weights/index.js'
import { locateModel } from '../../packages/sdk/src/worker/locate-model.js'
import { updateModel } from '../../packages/sdk/src/worker/update-model.js'
import { WorkerModel } from '../../packages/sdk/src/worker/worker-model.js'
import type { Fault } from './support/faults.js'
import { randomBytes, serveFile } from './support/file-server-client.js'
import { chunkBytes, createHarness } from './support/weights-harness.js'

const { signal } = new AbortController()

/** Serves a model of two variants, revision by revision, in a folder that no other test has. */
async function serveTwoVariants() {
  const folder = `${inject('fileServer')}/files/${crypto.randomUUID()}/`
  const put = (path: string, body: BodyInit) => fetch(folder + path, { method: 'PUT', body })
  const publish = async (revision: string) => {
    const files = await Promise.all(['fp32.onnx', 'q8.onnx'].map((path) => serveFile(randomBytes(9), chunkBytes, path)))
    const variants = files.map(({ file }, index) => ({
      dtype: index === 0 ? ('fp32' as const) : ('q8' as const),
      backends: ['wasm' as const],
      graphs: { model: { file, inputs: [], outputs: [] } },
    }))
    const [first, second] = variants
    if (!first || !second) throw new Error('two files make two variants')
    const manifest: Manifest = {
      ...{ schemaVersion: 1, id: 'two', revision, task: 'tensors', licence: 'CC0-1.0', chunkBytes },
      ...{ assets: {}, config: {}, variants: [first, second], provenance: [], packedBy: 'the test' },
    }
    await Promise.all(files.map(({ file, bytes }) => put(`two/${file.path}`, bytes)))
    await put('two/manifest.json', JSON.stringify(manifest))
  }
  const misbehave = (path: string, ...faults: Fault[]) =>
    fetch(`${folder.replace('/files/', '/faults/')}two/${path}`, { method: 'PUT', body: JSON.stringify(faults) })
  const log = async (path: string) => (await fetch(`${folder.replace('/files/', '/log/')}two/${path}`)).text()
  return { log, payload: { modelsUrls: [folder], model: 'two', maxDownloadBytes: Infinity }, publish, misbehave }
}

test('when one variant of an update fails, the old revision serves, and other tabs may prune again', async () => {
  const harness = createHarness()
  const [store, other, served] = [await harness.open(), await harness.open(), await serveTwoVariants()]
  const open = () => Promise.resolve(store)
  await served.publish('r1')
  const source = await locateModel({ ...served.payload, from: 'source' }, open, signal)
  const model = new WorkerModel(source, open)
  for (const dtype of ['fp32', 'q8'] as const) await model.download(dtype, signal, {})
  await store.settled()
  await served.publish('r2')
  await served.misbehave('q8.onnx', { kind: 'status', status: 404 })
  await expect(updateModel(served.payload, open, new ForegroundGate(), signal)).rejects.toMatchObject({
    code: 'DOWNLOAD_FAILED',
  })
  expect(await store.cache.status('two')).toMatchObject({ revision: 'r1', variants: ['fp32', 'q8'] })
  // What came of the new revision: nothing would be freed while this worker still held the model.
  expect(await other.cache.prune()).toEqual({ freedBytes: 9 })
  await Promise.all([served.publish('r3'), served.misbehave('q8.onnx')])
  expect(await updateModel(served.payload, open, new ForegroundGate(), signal)).toEqual({
    update: { from: 'r1', to: 'r3' },
    storage: [],
  })
})

test('a name with a revision is never updated, and its source is not asked', async () => {
  const [store, { payload, publish, log }] = [await createHarness().open(), await serveTwoVariants()]
  const open = () => Promise.resolve(store)
  await publish('r1')
  const source = await locateModel({ ...payload, from: 'source' }, open, signal)
  await new WorkerModel(source, open).download('q8', signal, {})
  await store.settled()
  await publish('r2')
  const before = await log('manifest.json')
  expect(await updateModel({ ...payload, model: 'two@r1' }, open, new ForegroundGate(), signal)).toEqual({
    storage: [],
  })
  expect(await log('manifest.json')).toEqual(before)
})

test('an update that maxBytes has no room for beside the old revision is not fetched, and says why', async () => {
  const store = await createHarness().open({ maxBytes: 20 })
  const { payload, publish, log } = await serveTwoVariants()
  const open = () => Promise.resolve(store)
  const bring = async () => {
    const source = await locateModel({ ...payload, from: 'source' }, open, signal)
    for (const dtype of ['fp32', 'q8'] as const) await new WorkerModel(source, open).download(dtype, signal, {})
    await store.settled()
  }
  await publish('r1')
  await bring()
  await publish('r2')
  const before = await log('fp32.onnx')
  expect(await updateModel(payload, open, new ForegroundGate(), signal)).toEqual({
    storage: [{ model: 'two', reason: expect.stringContaining('storage.maxBytes is 20') as string }],
  })
  expect(await log('fp32.onnx')).toEqual(before)
  expect(await store.cache.status('two')).toMatchObject({ revision: 'r1' })
  // What the guide advises.
  await store.cache.remove('two')
  await bring()
  expect(await store.cache.status('two')).toMatchObject({ revision: 'r2', variants: ['fp32', 'q8'] })
})

test('an update of more bytes than the policy allows is not fetched', async () => {
  const [store, { payload, publish, log }] = [await createHarness().open(), await serveTwoVariants()]
  const open = () => Promise.resolve(store)
  await publish('r1')
  const source = await locateModel({ ...payload, from: 'source' }, open, signal)
  await new WorkerModel(source, open).download('q8', signal, {})
  await store.settled()
  await publish('r2')
  const before = await log('q8.onnx')
  const allowed = (maxDownloadBytes: number) =>
    updateModel({ ...payload, maxDownloadBytes }, open, new ForegroundGate(), signal)
  expect(await allowed(8)).toEqual({ storage: [] })
  expect(await log('q8.onnx')).toEqual(before)
  expect(await allowed(9)).toEqual({ update: { from: 'r1', to: 'r2' }, storage: [] })
})
