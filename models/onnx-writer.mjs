// @ts-check
/**
 * Writes small ONNX models, byte for byte the same each time: just enough of Protocol Buffers and of onnx.proto for
 * models made by a script (field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
 */

/** Element types of TensorProto.DataType. */
export const dataType = Object.freeze({ float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, string: 8, float16: 10 })

/** Types of AttributeProto.AttributeType. */
const attributeType = Object.freeze({ float: 1, int: 2, ints: 7 })

/** The wire type of four bytes. */
const fixed32 = 5

/**
 * A whole model.
 *
 * @param {{ name: string, nodes: Buffer[], inputs: Buffer[], outputs: Buffer[], initializers?: Buffer[] }} graph
 * @returns {Buffer} the contents of a `.onnx` file: IR version 8, opset 17
 */
export function model({ name, nodes, inputs, outputs, initializers = [] }) {
  const graph = [
    ...nodes.map((node) => bytes(1, node)),
    text(2, name),
    ...initializers.map((initializer) => bytes(5, initializer)),
    ...inputs.map((input) => bytes(11, input)),
    ...outputs.map((output) => bytes(12, output)),
  ]
  const opset = number(2, 17)
  return Buffer.concat([number(1, 8), text(2, 'edgeward'), bytes(7, Buffer.concat(graph)), bytes(8, opset)])
}

/**
 * @param {string} operator @param {string[]} inputs @param {string[]} outputs
 * @param {Record<string, number | number[]>} [attributes] whole numbers become INT, others FLOAT, lists INTS
 */
export function node(operator, inputs, outputs, attributes = {}) {
  return Buffer.concat([
    ...inputs.map((input) => text(1, input)),
    ...outputs.map((output) => text(2, output)),
    text(3, outputs.join('+')),
    text(4, operator),
    ...Object.entries(attributes).map(([name, item]) => bytes(5, Buffer.concat([text(1, name), ...attribute(item)]))),
  ])
}

/** @param {number | number[]} item */
function attribute(item) {
  if (Array.isArray(item)) return [...item.map((whole) => number(8, whole)), number(20, attributeType.ints)]
  if (Number.isInteger(item)) return [number(3, item), number(20, attributeType.int)]
  const float = Buffer.alloc(4)
  float.writeFloatLE(item)
  return [varint((2 << 3) | fixed32), float, number(20, attributeType.float)]
}

/**
 * What goes into a graph or comes out; a text is a symbolic dimension.
 *
 * @param {string} name @param {number} type @param {(number | string)[]} shape
 */
export function value(name, type, shape) {
  const dimensions = shape.map((length) => bytes(1, typeof length === 'string' ? text(2, length) : number(1, length)))
  const tensorType = Buffer.concat([number(1, type), bytes(2, Buffer.concat(dimensions))])
  return Buffer.concat([text(1, name), bytes(2, bytes(1, tensorType))])
}

/** A float32 weight. @param {string} name @param {number[]} shape @param {number[]} values */
export function weight(name, shape, values) {
  const raw = Buffer.alloc(values.length * 4)
  values.forEach((item, index) => raw.writeFloatLE(item, index * 4))
  return rawWeight(name, shape, raw)
}

/**
 * A weight from its bytes, little-endian.
 *
 * @param {string} name @param {number[]} shape @param {Buffer} raw @param {number} [type] float32, unless another is named
 */
export function rawWeight(name, shape, raw, type = dataType.float32) {
  return Buffer.concat([...tensorHead(name, shape, type), bytes(9, raw)])
}

/**
 * A float32 weight whose bytes lie in a file beside the model's (ONNX external data).
 *
 * @param {string} name @param {number[]} shape
 * @param {{ location: string, offset: number, length: number }} place the file, relative to the model's, and the bytes
 */
export function externalWeight(name, shape, place) {
  const entries = Object.entries(place).map(([key, item]) =>
    bytes(13, Buffer.concat([text(1, key), text(2, String(item))])),
  )
  const isExternal = number(14, 1)
  return Buffer.concat([...tensorHead(name, shape, dataType.float32), ...entries, isExternal])
}

/** @param {string} name @param {number[]} shape @param {number} type */
function tensorHead(name, shape, type) {
  return [...shape.map((length) => number(1, length)), number(2, type), text(8, name)]
}

/** @param {number} field @param {number} item */
function number(field, item) {
  return Buffer.concat([varint(field << 3), varint(item)])
}

/** @param {number} field @param {Buffer} content */
function bytes(field, content) {
  return Buffer.concat([varint((field << 3) | 2), varint(content.length), content])
}

/** @param {number} field @param {string} item */
function text(field, item) {
  return bytes(field, Buffer.from(item, 'utf8'))
}

/** @param {number} item */
function varint(item) {
  const octets = []
  for (let rest = item; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...octets, rest])
    octets.push((rest & 0x7f) | 0x80)
  }
}
