/**
 * Parses the header of a GGUF, version 2 or 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
 *
 * Not with `@huggingface/gguf` 0.4.6: it loses U+FEFF at the beginning of tokens, cuts texts that lie across the end of what it has
 * fetched, and is 230 kB when bundled.
 */
import { damaged, unsupported } from './gguf-errors.js'
import type { GgufMetadata } from './gguf-types.js'

/** A tensor as the file states it: nothing of it has been checked. */
export interface StatedTensor {
  readonly name: string
  readonly shape: readonly number[]
  /** ggml's number of the block type. */
  readonly type: number
  /** From the beginning of the data. */
  readonly offset: number
}

export interface GgufHeader {
  readonly metadata: GgufMetadata
  readonly tensors: readonly StatedTensor[]
  /** Where it ends, before padding. */
  readonly end: number
}

/** Says that a header goes on behind the bytes that are there. */
export class HeaderGoesOn extends Error {}

/**
 * @param begin The first bytes of the file.
 * @param fileBytes How long the file is.
 * @throws {HeaderGoesOn} Where more bytes are needed.
 * @throws {EdgewardError} `MODEL_UNSUPPORTED` or `MANIFEST_INVALID`.
 */
export function parseHeader(begin: Uint8Array<ArrayBuffer>, fileBytes: number): GgufHeader {
  const cursor = new Cursor(begin, fileBytes)
  if (fileBytes < 4 || cursor.uint32() !== magic) throw damaged('it does not begin with "GGUF"')
  refuseVersion(cursor.uint32())
  const tensorCount = cursor.count(leastTensorBytes)
  const metadata = new Map<string, unknown>()
  for (let left = cursor.count(leastEntryBytes); left > 0; left -= 1) {
    const key = cursor.text()
    if (metadata.has(key)) throw damaged(`${key} is there twice`)
    metadata.set(key, readValue(cursor, cursor.uint32(), 0))
  }
  const tensors: StatedTensor[] = []
  for (let left = tensorCount; left > 0; left -= 1) tensors.push(readTensor(cursor))
  return { metadata: Object.fromEntries(metadata), tensors, end: cursor.position }
}

/** "GGUF". */
const magic = 0x46554747
/** A length, a type, and a value of one byte. */
const leastEntryBytes = 13
/** A length, a number of dimensions, a type and an offset. */
const leastTensorBytes = 24
const deepestArray = 4
/** Gemma's vocabulary has 262,144 tokens, and half a million merges. */
const mostItems = 2 ** 22

function refuseVersion(version: number): void {
  if (version === 2 || version === 3) return
  if (version !== 0 && version % 65_536 === 0) {
    throw unsupported('it is big-endian; files for little-endian machines can be run')
  }
  throw unsupported(`it is of version ${version}; versions 2 and 3 can be run`, { version })
}

function readTensor(cursor: Cursor): StatedTensor {
  const name = cursor.text()
  const dimensions = cursor.uint32()
  if (dimensions > 4) throw damaged(`its tensor ${name} has ${dimensions} dimensions`)
  const shape = Array.from({ length: dimensions }, () => cursor.uint64())
  return { name, shape, type: cursor.uint32(), offset: cursor.uint64() }
}

/** By its number in `gguf_type`. Integers above 53 bits are rounded; none that means anything is as large. */
function readValue(cursor: Cursor, type: number, depth: number): unknown {
  if (type === 9) return readArray(cursor, depth)
  const read = readers[type]
  if (!read) throw damaged(`there is no type ${type} of metadata`)
  return read(cursor)
}

function readArray(cursor: Cursor, depth: number): readonly unknown[] {
  if (depth === deepestArray) throw damaged('its lists are in one another without end')
  const type = cursor.uint32()
  const values: unknown[] = []
  for (let left = cursor.count(1); left > 0; left -= 1) values.push(readValue(cursor, type, depth + 1))
  return values
}

const readers: Readonly<Record<number, (cursor: Cursor) => unknown>> = {
  0: (cursor) => cursor.view.getUint8(cursor.take(1)),
  1: (cursor) => cursor.view.getInt8(cursor.take(1)),
  2: (cursor) => cursor.view.getUint16(cursor.take(2), true),
  3: (cursor) => cursor.view.getInt16(cursor.take(2), true),
  4: (cursor) => cursor.uint32(),
  5: (cursor) => cursor.view.getInt32(cursor.take(4), true),
  6: (cursor) => cursor.view.getFloat32(cursor.take(4), true),
  7: (cursor) => cursor.view.getUint8(cursor.take(1)) !== 0,
  8: (cursor) => cursor.text(),
  10: (cursor) => cursor.uint64(),
  11: (cursor) => Number(cursor.view.getBigInt64(cursor.take(8), true)),
  12: (cursor) => cursor.view.getFloat64(cursor.take(8), true),
}

class Cursor {
  position = 0
  readonly view: DataView<ArrayBuffer>
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })

  constructor(
    private readonly bytes: Uint8Array<ArrayBuffer>,
    private readonly fileBytes: number,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /** Goes on by `length` bytes, and tells where they begin. */
  take(length: number): number {
    const begin = this.position
    if (begin + length > this.fileBytes) throw damaged(`its header does not end within its ${this.fileBytes} bytes`)
    if (begin + length > this.bytes.length) throw new HeaderGoesOn()
    this.position += length
    return begin
  }

  uint32(): number {
    return this.view.getUint32(this.take(4), true)
  }

  uint64(): number {
    const begin = this.take(8)
    return this.view.getUint32(begin, true) + this.view.getUint32(begin + 4, true) * 2 ** 32
  }

  /** Of things that take `leastBytes` each: not more than the file can hold, or any vocabulary needs. */
  count(leastBytes: number): number {
    const count = this.uint64()
    if (count <= mostItems && this.position + count * leastBytes <= this.fileBytes) return count
    throw damaged(`its header states a list of ${count}, in ${this.fileBytes} bytes`)
  }

  text(): string {
    const length = this.uint64()
    const begin = this.take(length)
    return this.#decoder.decode(this.bytes.subarray(begin, begin + length))
  }
}
