/** Puts a packed model on the misbehaving file server, under an address of its own. */
import { expect } from 'vitest'
import type { Manifest, Variant } from 'edgeward'
import { serveFile, type ServedFile } from './file-server-client.js'

export interface ServedModel {
  /** What `createClient` takes as `models`. */
  readonly modelsUrl: string
  /** Its id, which is also its name at the endpoint. */
  readonly model: string
  /** The file of its only graph. */
  readonly graph: ServedFile & {
    /** Resolves when somebody has asked for the file. */
    arrival(): Promise<void>
  }
}

/** Serves a model with one graph and its assets, with the same numbers but bytes that no cache has seen, as `id`. */
export async function serveModel(model: string, id = model): Promise<ServedModel> {
  const packed = (await (await fetch(`/models/${model}/manifest.json`)).json()) as Manifest
  const [variant] = packed.variants
  const original = variant.graphs['model']
  if (original === undefined) throw new Error(`${model} has more than one graph`)
  const bytes = unique(new Uint8Array(await (await fetch(`/models/${model}/${original.file.path}`)).arrayBuffer()))
  const graph = await serveFile(bytes, packed.chunkBytes, `${id}/${original.file.path}`)
  const file = { ...graph.file, path: original.file.path }
  const changed: Variant = { ...variant, graphs: { model: { ...original, file } } }
  const manifest: Manifest = { ...packed, id, revision: crypto.randomUUID(), variants: [changed] }
  const folder = graph.url.slice(0, -original.file.path.length)
  const put = (path: string, body: BodyInit) => fetch(`${folder}${path}`, { method: 'PUT', body })
  for (const { path } of Object.values(packed.assets))
    await put(path, await (await fetch(`/models/${model}/${path}`)).blob())
  await put('manifest.json', JSON.stringify(manifest))
  const arrival = () => expect.poll(async () => (await graph.requests()).length).toBeGreaterThan(0)
  return { modelsUrl: folder.slice(0, -`${id}/`.length), model: id, graph: { ...graph, arrival } }
}

/**
 * An ONNX model with another `doc_string` (field 6 of ModelProto). The fields of a protocol buffer may come in any order; in
 * front, it shifts all that follows, so that no chunk is one that a cache has seen.
 */
function unique(model: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(crypto.randomUUID())
  const head = [(6 << 3) | 2, text.length, ...text]
  const changed = new Uint8Array(head.length + model.length)
  changed.set(head)
  changed.set(model, head.length)
  return changed
}
