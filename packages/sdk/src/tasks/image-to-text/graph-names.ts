/** What a graph of an OCR model and its one input and one output are called. */
import type { Graph, Manifest } from '../../contract/index.js'
import { onlyOne } from '../manifest-parts.js'

export interface GraphNames {
  readonly name: string
  readonly input: string
  readonly output: string
}

/** The names of a graph that takes one tensor and gives one. */
export function graphNames(manifest: Manifest, name: string, graph: Graph): GraphNames {
  return {
    name,
    input: onlyOne(manifest, name, graph.inputs).name,
    output: onlyOne(manifest, name, graph.outputs).name,
  }
}
