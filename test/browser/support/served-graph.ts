/** Serves a model of one graph, under a manifest of its own. */
import type { Graph, Manifest, ManifestFile } from '../../../packages/sdk/src/contract/index.js'
import { serveFile, type ServedFile } from './file-server-client.js'

export interface ServedGraph {
  readonly id: string
  /** What `createClient` takes as `models`. */
  readonly modelsUrl: string
  readonly graph: ServedFile
  /** The model's folder, with a slash at its end. */
  readonly folder: string
  /** Writes the manifest; the other files are there by then. */
  publish(graph: Pick<Graph, 'inputs' | 'outputs'>, externalData?: readonly ManifestFile[]): Promise<void>
}

export async function serveGraph(base64: string, chunkBytes: number): Promise<ServedGraph> {
  const id = `made-${crypto.randomUUID()}`
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  const graph = await serveFile(bytes, chunkBytes, `${id}/model.onnx`)
  const folder = graph.url.slice(0, -'model.onnx'.length)
  return {
    id,
    graph,
    folder,
    modelsUrl: folder.slice(0, -`${id}/`.length),
    async publish(specs, externalData) {
      const file = { ...graph.file, path: 'model.onnx' }
      const model = { file, ...(externalData && { externalData }), ...specs }
      const manifest: Manifest = {
        schemaVersion: 1,
        id,
        revision: '1',
        task: 'tensors',
        licence: 'CC0-1.0',
        chunkBytes,
        assets: {},
        config: {},
        variants: [{ dtype: 'fp32', backends: ['wasm'], graphs: { model } }],
        provenance: [],
        packedBy: 'the test',
      }
      await fetch(`${folder}manifest.json`, { method: 'PUT', body: JSON.stringify(manifest) })
    },
  }
}
