/** Parts an ONNX file into a small graph and its weights, which stay where they are: in the file itself. */
import { isEdgewardError } from '../errors/index.js'
import * as onnx from './onnx-fields.js'
import { encodeBytes, encodeHead, encodeVarint, fieldsOf, MessageBytes } from './protobuf.js'
import type { ByteSource, Field, Range } from './protobuf.js'

/** Smaller weights stay in the graph: each one outside costs a call, and shapes are worked out from small ones. */
const leastBytes = 64 * 1024

/**
 * The model of a one-file ONNX whose large initializers are external data in that very file, so that nobody has to parse
 * or copy them with the graph. What the file holds beside them is taken over byte by byte.
 *
 * @param source The file; it is never asked for the bytes of a large initializer.
 * @param location The name under which the file is mounted as external data.
 * @returns Undefined where there is nothing to part, or anything that is not understood: the file is used as it is then.
 */
export function splitWeights(source: ByteSource, location: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new MessageBytes(source)
  try {
    const fields = [...fieldsOf(bytes, { begin: 0, end: source.byteLength })]
    const graphs = fields.filter(({ number }) => number === onnx.modelFields.graph)
    const graph = graphs.length === 1 ? splitGraph(bytes, graphs[0], location) : undefined
    if (!graph) return undefined
    return join(
      source,
      fields.flatMap((field) => (field === graphs[0] ? withHead(onnx.modelFields.graph, graph) : [field])),
    )
  } catch (error) {
    // ONNX Runtime says better than this what is wrong with a file.
    if (isEdgewardError(error)) return undefined
    throw error
  }
}

/** New bytes, or a range of the file. */
type Piece = Uint8Array<ArrayBuffer> | Range

function splitGraph(bytes: MessageBytes, graph: Field | undefined, location: string): readonly Piece[] | undefined {
  const pieces: Piece[] = []
  let isSplit = false
  for (const field of graph ? fieldsOf(bytes, graph.value) : []) {
    const tensor = field.number === onnx.graphFields.initializer ? splitTensor(bytes, field, location) : undefined
    if (tensor) pieces.push(...withHead(field.number, tensor))
    else pieces.push(field)
    isSplit ||= tensor !== undefined
  }
  return isSplit ? pieces : undefined
}

/** An initializer that names its data, or undefined for one that is small or external already. */
function splitTensor(bytes: MessageBytes, tensor: Field, location: string): readonly Piece[] | undefined {
  if (tensor.value.end - tensor.value.begin < leastBytes) return undefined
  const { rawData, externalData, dataLocation } = onnx.tensorFields
  const fields = [...fieldsOf(bytes, tensor.value)]
  const [data, ...more] = fields.filter(({ number }) => number === rawData).map(({ value }) => value)
  const isExternal = fields.some(({ number }) => number === externalData || number === dataLocation)
  if (!data || more.length > 0 || isExternal || data.end - data.begin < leastBytes) return undefined
  return [
    ...fields.filter(({ number }) => number !== rawData),
    entry('location', location),
    entry('offset', String(data.begin)),
    entry('length', String(data.end - data.begin)),
    encodeVarint(dataLocation, onnx.externalLocation),
  ]
}

function entry(key: string, value: string): Uint8Array<ArrayBuffer> {
  const { entryFields, tensorFields } = onnx
  const pair = [...encodeBytes(entryFields.key, key), ...encodeBytes(entryFields.value, value)]
  return encodeBytes(tensorFields.externalData, Uint8Array.from(pair))
}

function withHead(number: number, pieces: readonly Piece[]): readonly Piece[] {
  return [encodeHead(number, totalBytes(pieces)), ...pieces]
}

function totalBytes(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + (piece instanceof Uint8Array ? piece.length : piece.end - piece.begin), 0)
}

function join(source: ByteSource, pieces: readonly Piece[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(totalBytes(pieces))
  let position = 0
  for (const piece of pieces) {
    const bytes = piece instanceof Uint8Array ? piece : source.subarray(piece.begin, piece.end)
    joined.set(bytes, position)
    position += bytes.length
  }
  return joined
}
