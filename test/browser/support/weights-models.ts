/** Models of random bytes for the tests of the cache: served, described, and loaded as the worker does it. */
import type { Manifest, ModelSource } from '../../../packages/sdk/src/contract/index.js'
import type { WeightsStore } from '../../../packages/sdk/src/weights/index.js'
import { serveFile, type ServedFile } from './file-server-client.js'
import { chunkBytes } from './weights-harness.js'

export interface RandomModel {
  readonly source: ModelSource
  readonly graph: ServedFile
  readonly asset: ServedFile
}

/** A model that is all of one file. */
export async function serveOneFileModel(
  id: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<{ readonly source: ModelSource; readonly graph: ServedFile }> {
  const { source, graph } = await serveRandomModel(id, bytes, new Uint8Array(0))
  return { source: { ...source, manifest: { ...source.manifest, assets: {} } }, graph }
}

/** A model of one graph and one asset. */
export async function serveRandomModel(
  id: string,
  graphBytes: Uint8Array<ArrayBuffer>,
  assetBytes: Uint8Array<ArrayBuffer>,
  revision = '1',
): Promise<RandomModel> {
  const [graph, asset] = await Promise.all([serveFile(graphBytes, chunkBytes), serveFile(assetBytes, chunkBytes)])
  const manifest: Manifest = {
    schemaVersion: 1,
    id,
    revision,
    task: 'tensors',
    licence: 'CC0-1.0',
    chunkBytes,
    assets: { labels: asset.file },
    config: {},
    variants: [{ dtype: 'fp32', backends: ['wasm'], graphs: { model: { file: graph.file, inputs: [], outputs: [] } } }],
    provenance: [],
    packedBy: 'the test',
  }
  return { source: { manifest, manifestUrl: `https://models.example/${id}/manifest.json` }, graph, asset }
}

export interface ModelLoad {
  readonly notStored: string[]
  readonly evicted: string[]
  readonly published: string[]
}

/** Loads a model's files as the worker does, and publishes it; resolves when the cache is done with it. */
export async function loadModel(store: WeightsStore, { source, graph, asset }: RandomModel): Promise<ModelLoad> {
  const load: ModelLoad = { notStored: [], evicted: [], published: [] }
  const onNotStored = (reason: string) => void load.notStored.push(reason)
  const admission = await store.admit(source, 'fp32', {
    onNotStored,
    onEvicted: (model) => load.evicted.push(model),
    onPublished: () => load.published.push(source.manifest.id),
  })
  const { refusal, isVouched } = admission
  const signal = new AbortController().signal
  try {
    for (const { file, url } of [graph, asset]) {
      await store.load(file, { url, chunkBytes, signal, refusal, isVouched, onNotStored })
    }
  } catch (error) {
    admission.giveUp()
    throw error
  }
  admission.publish()
  await store.settled()
  return load
}
