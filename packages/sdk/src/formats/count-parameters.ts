/** Counts the weights of an ONNX graph, from the shapes that its file states: no weight is read. */
import { EdgewardError } from '../errors/index.js'
import { tensorsOfGraph } from './external-tensors.js'
import { graphOf } from './graph-signature.js'
import * as onnx from './onnx-fields.js'
import { fieldsOf, MessageBytes, varintsOf, type ByteSource, type Range } from './protobuf.js'

export interface ParameterCount {
  readonly parameters: number
  /** Of the tensor that has the most. */
  readonly largestTensorParameters: number
}

/** What may be a weight, of `TensorProto.DataType`: floating-point numbers, and integers of eight bits or less. */
const weightTypes: ReadonlySet<number> = new Set([
  ...[1, 10, 11, 16], // float32, float16, float64, bfloat16
  ...[2, 3, 21, 22], // uint8, int8, uint4, int4
  ...[17, 18, 19, 20, 23], // float8 of four kinds, float4
])
const uint8 = 2

/**
 * The elements of all initializers and constants, those of graphs within nodes included, that may be weights. Scales and zero
 * points of quantised weights count too, which is a few in a hundred at most; indices and shapes (wider integers) do not.
 *
 * @param isPacked Whether the graph's 4-bit weights lie two in a byte, as for `MatMulNBits`: then each byte is two.
 * @param where The file, for messages.
 * @throws {EdgewardError} `MANIFEST_INVALID` when it is no ONNX model.
 */
export function countParameters(source: ByteSource, isPacked: boolean, where: string): ParameterCount {
  const bytes = new MessageBytes(source)
  const graph = graphOf(bytes)
  if (!graph) throw new EdgewardError('MANIFEST_INVALID', `${where} is not an ONNX model`, { details: { where } })
  let [parameters, largestTensorParameters] = [0, 0]
  for (const tensor of tensorsOfGraph(bytes, graph)) {
    const count = countTensor(bytes, tensor, isPacked)
    parameters += count
    largestTensorParameters = Math.max(largestTensorParameters, count)
  }
  return { parameters, largestTensorParameters }
}

function countTensor(bytes: MessageBytes, tensor: Range, isPacked: boolean): number {
  let [elements, type] = [1, 0]
  for (const field of fieldsOf(bytes, tensor)) {
    if (field.number === onnx.tensorFields.dims) for (const length of varintsOf(bytes, field)) elements *= length
    if (field.number === onnx.tensorFields.dataType) type = field.varint ?? 0
  }
  if (!weightTypes.has(type)) return 0
  return isPacked && type === uint8 ? 2 * elements : elements
}
