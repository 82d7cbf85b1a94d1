/** Reads what an ONNX graph takes and gives, from the file alone. */
import type { TensorDtype, TensorSpec } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import * as onnx from './onnx-fields.js'
import { fieldsOf, MessageBytes, type ByteSource, type Range } from './protobuf.js'

export interface GraphSignature {
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
}

/** `TensorProto.DataType`, by its numbers. */
const dtypes: Readonly<Record<number, TensorDtype>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  8: 'string',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
}

/**
 * The inputs and outputs of an ONNX file's main graph, in its order. A dimension without a name is called
 * `<tensor>_<axis>`, as the packing tool calls it.
 *
 * @param where The file, for messages.
 * @throws {EdgewardError} `MANIFEST_INVALID` when it is no ONNX model; `UNSUPPORTED_DTYPE` for an input or output that is
 *   no tensor, or of a dtype that Edgeward does not have.
 */
export function readGraphSignature(source: ByteSource, where: string): GraphSignature {
  const bytes = new MessageBytes(source)
  try {
    const graph = graphOf(bytes)
    if (graph) return signatureOf(bytes, graph, where)
  } catch (cause) {
    if (cause instanceof EdgewardError && cause.code === 'UNSUPPORTED_DTYPE') throw cause
    throw notOnnx(where, cause)
  }
  throw notOnnx(where)
}

/** The main graph of a model. */
export function graphOf(bytes: MessageBytes): Range | undefined {
  for (const { number, value } of fieldsOf(bytes, { begin: 0, end: bytes.source.byteLength })) {
    if (number === onnx.modelFields.graph) return value
  }
  return undefined
}

function signatureOf(bytes: MessageBytes, graph: Range, where: string): GraphSignature {
  const { initializer, input, output } = onnx.graphFields
  const constants = new Set<string>()
  const inputs: Range[] = []
  const outputs: Range[] = []
  for (const { number, value } of fieldsOf(bytes, graph)) {
    if (number === initializer) constants.add(nameOf(bytes, value, onnx.tensorFields.name))
    if (number === input) inputs.push(value)
    if (number === output) outputs.push(value)
  }
  // Files of IR versions before 4 list their weights among the inputs.
  const isFed = (info: Range) => !constants.has(nameOf(bytes, info, onnx.valueInfoFields.name))
  return {
    inputs: inputs.filter(isFed).map((info) => specOf(bytes, info, where)),
    outputs: outputs.map((info) => specOf(bytes, info, where)),
  }
}

function nameOf(bytes: MessageBytes, message: Range, field: number): string {
  const name = find(bytes, message, field)
  return name ? bytes.text(name) : ''
}

function specOf(bytes: MessageBytes, info: Range, where: string): TensorSpec {
  const name = nameOf(bytes, info, onnx.valueInfoFields.name)
  const type = find(bytes, info, onnx.valueInfoFields.type)
  const tensor = type && find(bytes, type, onnx.typeFields.tensorType)
  if (!tensor) throw unsupported(`${where}: "${name}" is not a tensor`, name)
  let dtype: TensorDtype | undefined
  let shape: Range | undefined
  for (const { number, value, varint } of fieldsOf(bytes, tensor)) {
    if (number === onnx.tensorTypeFields.elementType) dtype = dtypes[varint ?? 0]
    if (number === onnx.tensorTypeFields.shape) shape = value
  }
  if (!dtype) throw unsupported(`${where}: "${name}" has a dtype that Edgeward does not have`, name)
  const dimensions = shape ? [...fieldsOf(bytes, shape)] : []
  return { name, dtype, shape: dimensions.map(({ value }, axis) => dimensionOf(bytes, value) ?? `${name}_${axis}`) }
}

function dimensionOf(bytes: MessageBytes, dimension: Range): number | string | undefined {
  for (const { number, value, varint } of fieldsOf(bytes, dimension)) {
    // Exporters also write an unknown length as a negative one, which reads as a very large one here.
    if (number === onnx.dimensionFields.value && Number.isSafeInteger(varint)) return varint
    if (number === onnx.dimensionFields.name && value.end > value.begin) return bytes.text(value)
  }
  return undefined
}

function find(bytes: MessageBytes, message: Range, wanted: number): Range | undefined {
  for (const { number, value } of fieldsOf(bytes, message)) if (number === wanted) return value
  return undefined
}

function unsupported(problem: string, name: string): EdgewardError {
  return new EdgewardError('UNSUPPORTED_DTYPE', problem, { details: { tensor: name } })
}

function notOnnx(where: string, cause?: unknown): EdgewardError {
  return new EdgewardError('MANIFEST_INVALID', `${where} is not an ONNX model`, { details: { where }, cause })
}
