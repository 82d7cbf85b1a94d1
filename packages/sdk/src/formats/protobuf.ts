/** Reads and writes Protocol Buffers by hand: just enough for ONNX (https://protobuf.dev/programming-guides/encoding/). */
import { EdgewardError } from '../errors/index.js'
import { concatBytes } from '../shared/index.js'

/** Bytes that are read by ranges: a `Uint8Array`, or a file that is held in chunks. */
export interface ByteSource {
  readonly byteLength: number
  /** The bytes from `begin` to `end`: a view or a copy, which the reader must not change. */
  subarray(begin: number, end: number): Uint8Array
}

/** A part of a file; `end` is the first position after it. */
export interface Range {
  readonly begin: number
  readonly end: number
}

/** One field of a message: the range of all of it, and of its value. */
export interface Field extends Range {
  readonly number: number
  /** For a text, bytes or a message: without the length before it. */
  readonly value: Range
  /** What a varint says; undefined for other types. Beyond 2⁵³ it is not exact, and a negative one is about 2⁶⁴. */
  readonly varint: number | undefined
}

/** How many bytes are looked at around a position: a field's head, and most small messages, are in one window. */
const windowBytes = 1024

/** A source with what was read last, since heads of fields are read byte by byte. */
export class MessageBytes {
  readonly source: ByteSource
  #window: Uint8Array = new Uint8Array(0)
  #begin = 0

  constructor(source: ByteSource) {
    this.source = source
  }

  at(position: number): number {
    const known = this.#window[position - this.#begin]
    if (known !== undefined) return known
    this.#begin = position
    this.#window = this.source.subarray(position, Math.min(position + windowBytes, this.source.byteLength))
    const byte = this.#window[0]
    if (byte === undefined) throw malformed(`it ends at ${position}, in the middle of a field`)
    return byte
  }

  text({ begin, end }: Range): string {
    // Decoders refuse views of shared memory; a source has none.
    return new TextDecoder().decode(this.source.subarray(begin, end))
  }
}

/**
 * The fields of a message, in their order.
 *
 * @throws {EdgewardError} `MANIFEST_INVALID` where the bytes are no message.
 */
export function* fieldsOf(bytes: MessageBytes, { begin, end }: Range): Generator<Field, undefined> {
  let position = begin
  while (position < end) {
    const tag = readVarint(bytes, position)
    const field = { number: Math.floor(tag.value / 8), begin: position }
    const next = readValue(bytes, tag.value % 8, tag.end)
    if (next.value.end > end || field.number === 0) throw malformed(`the field at ${position} does not fit its message`)
    position = next.value.end
    yield { ...field, end: position, ...next }
  }
}

/** The numbers of a repeated field: of one that has a single number, or of one that has them packed. */
export function* varintsOf(bytes: MessageBytes, { value, varint }: Field): Generator<number, undefined> {
  if (varint !== undefined) {
    yield varint
    return
  }
  for (let position = value.begin; position < value.end;) {
    const next = readVarint(bytes, position)
    yield next.value
    position = next.end
  }
}

/** A field with bytes, a text or a message for its value. */
export function encodeBytes(number: number, value: Uint8Array | string): Uint8Array<ArrayBuffer> {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value
  return concatBytes([encodeHead(number, bytes.length), bytes])
}

/** What stands before `length` bytes of a field's value. */
export function encodeHead(number: number, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([...varintOctets(number * 8 + 2), ...varintOctets(length)])
}

/** A whole number; a negative one as the 64 bits of its two's complement, as `int32` and `int64` are written. */
export function encodeVarint(number: number, value: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([...varintOctets(number * 8), ...(value < 0 ? negativeOctets(value) : varintOctets(value))])
}

/** A `float`: four bytes, little-endian. */
export function encodeFloat(number: number, value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setFloat32(0, value, true)
  return Uint8Array.from([...varintOctets(number * 8 + 5), ...bytes])
}

function readValue(bytes: MessageBytes, wireType: number, begin: number): Pick<Field, 'value' | 'varint'> {
  switch (wireType) {
    case 0: {
      const { value, end } = readVarint(bytes, begin)
      return { value: { begin, end }, varint: value }
    }
    case 1:
      return { value: { begin, end: begin + 8 }, varint: undefined }
    case 2: {
      const { value, end } = readVarint(bytes, begin)
      return { value: { begin: end, end: end + value }, varint: undefined }
    }
    case 5:
      return { value: { begin, end: begin + 4 }, varint: undefined }
    default:
      throw malformed(`there is no field of wire type ${wireType}, as at ${begin}`)
  }
}

function readVarint(bytes: MessageBytes, begin: number): { readonly value: number; readonly end: number } {
  let value = 0
  for (let index = 0; index < 10; index += 1) {
    const octet = bytes.at(begin + index)
    value += (octet & 0x7f) * 128 ** index
    if (octet < 0x80) return { value, end: begin + index + 1 }
  }
  throw malformed(`the number at ${begin} does not end`)
}

/** Not with shifts: lengths may exceed 31 bits. */
function varintOctets(value: number): readonly number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varintOctets(Math.floor(value / 128))]
}

function negativeOctets(value: number): readonly number[] {
  const bits = BigInt.asUintN(64, BigInt(value))
  return Array.from({ length: 10 }, (_, index) => Number((bits >> BigInt(7 * index)) & 127n) + (index < 9 ? 128 : 0))
}

function malformed(problem: string): EdgewardError {
  return new EdgewardError('MANIFEST_INVALID', `this is no Protocol Buffers message: ${problem}`)
}
