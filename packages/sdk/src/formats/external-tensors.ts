/** Finds the tensors of an ONNX graph whose data lie in other files. */
import { isEdgewardError } from '../errors/index.js'
import { graphOf } from './graph-signature.js'
import * as onnx from './onnx-fields.js'
import { fieldsOf, MessageBytes, type ByteSource, type Range } from './protobuf.js'

/** Where a tensor's data lie. */
export interface ExternalTensor {
  /** The file, relative to the folder of the graph's own. */
  readonly location: string
  readonly offset: number
  /** Undefined: up to the end of the file. */
  readonly bytes: number | undefined
}

/**
 * Every tensor with external data, in the order of the graph: initializers, attributes of nodes, and those of graphs
 * within nodes.
 *
 * @returns Undefined for what is no ONNX model.
 */
export function externalTensors(model: ByteSource): readonly ExternalTensor[] | undefined {
  const bytes = new MessageBytes(model)
  try {
    const graph = graphOf(bytes)
    return graph && [...tensorsOfGraph(bytes, graph)].flatMap((tensor) => externalTensor(bytes, tensor) ?? [])
  } catch (error) {
    if (isEdgewardError(error)) return undefined
    throw error
  }
}

/** The tensors of a graph: initializers, attributes of nodes, and those of graphs within nodes. */
export function* tensorsOfGraph(bytes: MessageBytes, graph: Range): Generator<Range, undefined> {
  for (const { number, value } of fieldsOf(bytes, graph)) {
    if (number === onnx.graphFields.initializer) yield value
    if (number === onnx.graphFields.node) yield* tensorsOfNode(bytes, value)
  }
}

function* tensorsOfNode(bytes: MessageBytes, node: Range): Generator<Range, undefined> {
  const { tensor, tensors, graph, graphs } = onnx.attributeFields
  for (const attribute of fieldsOf(bytes, node)) {
    if (attribute.number !== onnx.nodeFields.attribute) continue
    for (const { number, value } of fieldsOf(bytes, attribute.value)) {
      if (number === tensor || number === tensors) yield value
      if (number === graph || number === graphs) yield* tensorsOfGraph(bytes, value)
    }
  }
}

function externalTensor(bytes: MessageBytes, tensor: Range): ExternalTensor | undefined {
  let isExternal = false
  const entries = new Map<string, string>()
  for (const { number, value, varint } of fieldsOf(bytes, tensor)) {
    if (number === onnx.tensorFields.dataLocation) isExternal = varint === onnx.externalLocation
    if (number === onnx.tensorFields.externalData) entries.set(...readEntry(bytes, value))
  }
  const location = entries.get('location')
  if (!isExternal || location === undefined) return undefined
  const length = entries.get('length')
  return {
    location,
    offset: Number(entries.get('offset') ?? 0),
    bytes: length === undefined ? undefined : Number(length),
  }
}

function readEntry(bytes: MessageBytes, entry: Range): [key: string, value: string] {
  const texts = new Map(Array.from(fieldsOf(bytes, entry), ({ number, value }) => [number, bytes.text(value)] as const))
  return [texts.get(onnx.entryFields.key) ?? '', texts.get(onnx.entryFields.value) ?? '']
}
