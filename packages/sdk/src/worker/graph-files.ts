/** Makes of a graph's files what ONNX Runtime creates a session from: a small graph, and its weights beside it. */
import type { Graph } from '../contract/index.js'
import { externalTensors, splitWeights } from '../formats/index.js'
import type { ChunkedFile } from '../weights/index.js'
import { ExternalFile } from './external-file.js'

/** A graph's files, as they were loaded. A session uses them up. */
export interface GraphFiles {
  readonly file: ChunkedFile
  readonly externalData: readonly ChunkedFile[]
}

/** What a session is created from. */
export interface SessionInput {
  readonly model: Uint8Array<ArrayBuffer>
  readonly externalData: readonly { readonly path: string; readonly data: Uint8Array<ArrayBuffer> }[]
  /** Whether ONNX Runtime asked for a tensor that had been let go: no session came of it, and one may with `keepsAll`. */
  readonly isReadAgain: boolean
}

/** A graph that was read, with all that is known of it by then. */
export interface ReadGraph {
  readonly graph: Graph
  readonly input: SessionInput
  /** Outputs that stay on the GPU, of the `webgpu` backend. */
  readonly keptOnGpu?: readonly string[]
}

/**
 * Keeps graph and weights apart, also where they came in one file: ONNX Runtime then reads each tensor once, from its
 * chunks, instead of parsing and copying the file as a whole. What cannot be parted is used as it is.
 *
 * @param keepsAll Chunks stay when they were read, for models whose tensors are read again.
 */
export function sessionInput(graph: Graph, { file, externalData }: GraphFiles, keepsAll: boolean): SessionInput {
  if (externalData.length > 0) {
    const locations = (graph.externalData ?? []).map(({ path }) => locationOf(graph, path))
    return mounted(file.intoOneBuffer(), externalData, locations, keepsAll)
  }
  const location = locationOf(graph, graph.file.path)
  const isSmall = file.byteLength <= file.chunkBytes
  const split = isSmall ? undefined : splitWeights(file, location)
  return split ? mounted(split, [file], [location], keepsAll) : mounted(file.intoOneBuffer(), [], [], keepsAll)
}

function mounted(
  model: Uint8Array<ArrayBuffer>,
  files: readonly ChunkedFile[],
  locations: readonly string[],
  keepsAll: boolean,
): SessionInput {
  const tensors = keepsAll || files.length === 0 ? undefined : externalTensors(model)
  const externalData = files.map((file, index) => {
    const path = locations[index] ?? ''
    const ownTensors = tensors?.filter(({ location }) => location.replace(/^\.\//, '') === path)
    return { path, data: new ExternalFile(file, ownTensors) }
  })
  return {
    model,
    externalData,
    get isReadAgain() {
      return externalData.some(({ data }) => data.isReadAgain)
    },
  }
}

/** How a graph names a file: relative to the folder of its own. */
function locationOf({ file }: Graph, path: string): string {
  return path.slice(file.path.lastIndexOf('/') + 1)
}
