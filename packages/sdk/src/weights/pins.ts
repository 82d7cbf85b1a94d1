/** Pins: digests that nobody has told, computed when a file first came and kept from then on; pure. */
import type { Graph, Manifest, ManifestFile, ModelSource, TensorSpec, VariantDtype } from '../contract/index.js'
import { neededFiles } from './model-record.js'
import type { Validator } from './validator.js'

/** What a graph takes and gives, as its file says. */
export interface GraphSignature {
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
}

/** What is known of a file by having read it. */
export interface Pin {
  /** See {@link pinKey}. */
  readonly key: string
  /** SHA-256 of each chunk; empty for those that have not come yet. */
  readonly chunks: readonly string[]
  /** SHA-256 of the whole file; empty until all of it has come. */
  readonly sha256: string
  /** Of the file that the chunks are of, at its server, until all of it has come; absent where the server tells none. */
  readonly validator?: Validator
  /** Of a graph's file. */
  readonly signature?: GraphSignature
}

/** What identifies a file whose chunks are not known: its content where that is told, else its place at one revision. */
export function pinKey({ id, revision }: Manifest, { path, sha256, bytes }: ManifestFile): string {
  return sha256 === '' ? `${id}@${revision}/${path}` : `${sha256}/${bytes}`
}

/** The files of a variant, assets included, that are not pinned yet. */
export function unpinnedFiles(manifest: Manifest, dtype: VariantDtype): readonly ManifestFile[] {
  return neededFiles(manifest, dtype).filter(isUnpinned)
}

/** Whether a file is an ONNX graph's own, not weights beside it: it says what the graph takes and gives. */
export function isGraphFile(manifest: Manifest, path: string): boolean {
  if (path.endsWith('.gguf')) return false
  return manifest.variants.some(({ graphs }) => Object.values(graphs).some(({ file }) => file.path === path))
}

/** The source with what the pins of its files, by path, say. */
export function pinned(source: ModelSource, pins: ReadonlyMap<string, Pin>): ModelSource {
  const { manifest } = source
  const pinFile = (file: ManifestFile): ManifestFile => {
    const pin = isUnpinned(file) ? pins.get(file.path) : undefined
    return pin && pin.sha256 !== '' ? { ...file, sha256: pin.sha256, chunks: pin.chunks } : file
  }
  const pinGraph = (graph: Graph): Graph => {
    const { externalData } = graph
    const signature = pins.get(graph.file.path)?.signature
    return {
      ...graph,
      ...(signature && graph.inputs.length === 0 ? signature : {}),
      ...(externalData ? { externalData: externalData.map(pinFile) } : {}),
      file: pinFile(graph.file),
    }
  }
  const [first, ...others] = manifest.variants
  const pinVariant = (variant: typeof first) => ({ ...variant, graphs: mapValues(variant.graphs, pinGraph) })
  const variants = [pinVariant(first), ...others.map(pinVariant)] as const
  return { ...source, manifest: { ...manifest, assets: mapValues(manifest.assets, pinFile), variants } }
}

function isUnpinned({ sha256, chunks }: ManifestFile): boolean {
  return sha256 === '' || chunks.includes('')
}

function mapValues<V>(record: Readonly<Record<string, V>>, change: (value: V) => V): Readonly<Record<string, V>> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}
