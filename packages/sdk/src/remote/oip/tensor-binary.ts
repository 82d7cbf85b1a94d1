/**
 * A tensor's values as the bytes of the binary tensor data extension: little-endian, row-major; a string is its length
 * (4 bytes) and its UTF-8. Source: Triton's docs/protocol/extension_binary_data.md.
 *
 * Typed arrays have the byte order of the machine, which is little-endian wherever browsers and Node run.
 */
import type { Tensor, TensorDtype } from '../../contract/index.js'
import { arrayTypes } from './datatype.js'
import { elementCount, type Field } from './field.js'
import { toTensor } from './tensor.js'

/** The bytes of a tensor's values; a view on the same memory where there is one. */
export function encodeTensorBinary(tensor: Tensor): Uint8Array {
  if (tensor.dtype === 'string') return encodeStrings(tensor.data)
  const { buffer, byteOffset, byteLength } = tensor.data
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/**
 * Reads a tensor from bytes, which are copied.
 *
 * @throws EdgewardError with the field's code when the bytes do not fit the shape.
 */
export function decodeTensorBinary(
  bytes: Uint8Array,
  dtype: TensorDtype,
  shape: readonly number[],
  field: Field,
): Tensor {
  if (dtype === 'string') return { dtype, shape, data: decodeStrings(bytes, elementCount(shape), field) }
  const ArrayType = arrayTypes[dtype]
  const needed = elementCount(shape) * ArrayType.BYTES_PER_ELEMENT
  if (bytes.length !== needed) {
    throw field.error(`has ${bytes.length} bytes of data, but shape [${shape.join(', ')}] of ${dtype} needs ${needed}`)
  }
  if (dtype === 'bool' && bytes.some((byte) => byte > 1)) throw field.error('has bytes other than 0 and 1 in a BOOL')
  // The copy also aligns the values, which may begin anywhere in the message. (A `Buffer`'s own slice would not copy.)
  return toTensor(dtype, shape, new ArrayType(new Uint8Array(bytes).buffer))
}

function encodeStrings(texts: readonly string[]): Uint8Array {
  const encoder = new TextEncoder()
  const parts = texts.map((text) => encoder.encode(text))
  const bytes = new Uint8Array(parts.reduce((length, part) => length + 4 + part.length, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const part of parts) {
    view.setUint32(at, part.length, true)
    bytes.set(part, at + 4)
    at += 4 + part.length
  }
  return bytes
}

function decodeStrings(bytes: Uint8Array, count: number, field: Field): string[] {
  // `ignoreBOM` keeps a U+FEFF that is part of the text.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const texts: string[] = []
  let at = 0
  while (at < bytes.length) {
    const end = at + 4 <= bytes.length ? at + 4 + view.getUint32(at, true) : Infinity
    if (end > bytes.length) throw field.error(`ends in the middle of value ${texts.length}`)
    try {
      texts.push(decoder.decode(bytes.subarray(at + 4, end)))
    } catch {
      throw field.error(`value ${texts.length} is not UTF-8; Edgeward carries BYTES only as text`)
    }
    at = end
  }
  if (texts.length !== count) throw field.error(`has ${texts.length} values, but its shape needs ${count}`)
  return texts
}
