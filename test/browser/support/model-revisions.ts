/** Puts revisions of a packed model on the misbehaving file server, one after the other: most of their chunks are the same. */
import { inject } from 'vitest'
import type { Manifest } from 'edgeward'
import type { Fault, LoggedRequest } from './faults.js'
import { describeFile } from './file-server-client.js'

const chunkBytes = 256

export interface ServedRevisions {
  /** What `createClient` takes as `models`. */
  readonly modelsUrl: string
  readonly model: string
  /** Puts a revision there, in the place of the one before; resolves with its manifest. Forgets requests and faults. */
  publish(revision: string): Promise<Manifest>
  misbehave(file: 'manifest' | 'graph', ...faults: Fault[]): Promise<void>
  requests(file: 'manifest' | 'graph'): Promise<readonly LoggedRequest[]>
}

/** Serves `tiny-mlp` under an id that no other test has, with bytes that no cache has seen. */
export async function serveRevisions(revision: string, mirrorOf?: ServedRevisions): Promise<ServedRevisions> {
  const packed = (await (await fetch('/models/tiny-mlp/manifest.json')).json()) as Manifest
  const [variant] = packed.variants
  const graph = variant.graphs['model']
  if (graph === undefined) throw new Error('tiny-mlp has no graph "model"')
  const original = new Uint8Array(await (await fetch(`/models/tiny-mlp/${graph.file.path}`)).arrayBuffer())
  const model = mirrorOf?.model ?? `tiny-${crypto.randomUUID()}`
  const folder = crypto.randomUUID()
  const paths = { manifest: `${folder}/${model}/manifest.json`, graph: `${folder}/${model}/${graph.file.path}` }
  const put = (door: string, file: keyof typeof paths, body: BodyInit) =>
    fetch(`${inject('fileServer')}/${door}/${paths[file]}`, { method: 'PUT', body })
  const served: ServedRevisions = {
    modelsUrl: `${inject('fileServer')}/files/${folder}/`,
    model,
    async publish(next) {
      const bytes = withText(original, [...Array.from({ length: 20 }, (_, index) => `${model} ${index}`), next])
      const file = await describeFile(bytes, chunkBytes, graph.file.path)
      const changed = { ...variant, graphs: { model: { ...graph, file } } }
      const manifest: Manifest = { ...packed, id: model, revision: next, chunkBytes, variants: [changed] }
      await put('files', 'graph', bytes)
      await put('files', 'manifest', JSON.stringify(manifest))
      await Promise.all([served.misbehave('graph'), served.misbehave('manifest')])
      return manifest
    },
    async misbehave(file, ...faults) {
      await put('faults', file, JSON.stringify(faults))
    },
    async requests(file) {
      // The server beside this file writes it.
      return (await (await fetch(`${inject('fileServer')}/log/${paths[file]}`)).json()) as LoggedRequest[]
    },
  }
  await served.publish(revision)
  return served
}

/** An ONNX model with other `doc_string`s (field 6 of ModelProto): as a protocol buffer, fields may simply follow. */
function withText(model: Uint8Array, texts: readonly string[]): Uint8Array<ArrayBuffer> {
  const fields = texts.flatMap((text) => [(6 << 3) | 2, text.length, ...new TextEncoder().encode(text)])
  return Uint8Array.from([...model, ...fields])
}
