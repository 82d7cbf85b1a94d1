/**
 * Decodes the blocks of a GGUF's tensors. The layouts are those of `ggml-common.h` and `ggml-quants.c` of llama.cpp; every value is
 * rounded to float32 once, as there.
 */
import { EdgewardError } from '../errors/index.js'
import { ggmlBlocks, type GgmlType, type QuantizedBlocks } from './gguf-types.js'

/**
 * Decodes whole rows of a tensor.
 *
 * @param raw Their bytes, as in the file.
 * @param out One element for each of theirs, row-major as in the file.
 * @throws {EdgewardError} `MANIFEST_INVALID` when `raw` and `out` do not fit.
 */
export function decodeTensor(type: GgmlType, raw: Uint8Array, out: Float32Array): void {
  const { elements, bytes } = ggmlBlocks[type]
  const count = raw.length / bytes
  if (!Number.isInteger(count) || count * elements !== out.length) {
    throw new EdgewardError('MANIFEST_INVALID', `${raw.length} bytes of ${type} are not ${out.length} weights`, {
      details: { type, bytes: raw.length, weights: out.length },
    })
  }
  decoders[type](raw, out)
}

/** The weights of a 4- or 8-bit type as integers with a scale and an offset a block; undefined for the types that have it otherwise. */
export function blocksOf(type: GgmlType, raw: Uint8Array): QuantizedBlocks | undefined {
  if (type === 'Q4_K') return blocksOfQ4K(raw)
  if (type !== 'Q4_0' && type !== 'Q4_1' && type !== 'Q8_0') return undefined
  const size = ggmlBlocks[type].bytes
  const count = Math.floor(raw.length / size)
  const blocks = { q: new Uint8Array(count * 32), d: new Float32Array(count), m: new Float32Array(count) }
  for (let block = 0; block < count; block += 1) {
    const begin = block * size
    const d = halfAt(raw, begin)
    blocks.d[block] = d
    if (type === 'Q8_0') {
      blocks.m[block] = -128 * d
      for (let at = 0; at < 32; at += 1) blocks.q[block * 32 + at] = byteAt(raw, begin + 2 + at) ^ 128
    } else {
      blocks.m[block] = type === 'Q4_0' ? -8 * d : halfAt(raw, begin + 2)
      unpackNibbles(raw, begin + (type === 'Q4_0' ? 2 : 4), blocks.q, block * 32)
    }
  }
  return blocks
}

/** Eight blocks of 32 each: scale and offset are rounded to float32, where decoded values are rounded but once. */
function blocksOfQ4K(raw: Uint8Array): QuantizedBlocks {
  const count = Math.floor(raw.length / ggmlBlocks.Q4_K.bytes) * 8
  const blocks = { q: new Uint8Array(count * 32), d: new Float32Array(count), m: new Float32Array(count) }
  for (let block = 0; block < count; block += 1) {
    const begin = (block >> 3) * ggmlBlocks.Q4_K.bytes
    const index = block & 7
    blocks.d[block] = halfAt(raw, begin) * scaleAt(raw, begin + 4, index)
    blocks.m[block] = -halfAt(raw, begin + 2) * minimumAt(raw, begin + 4, index)
    // Of two blocks, the first lies in the low halves of the same bytes.
    const [nibbles, shift] = [begin + 16 + (index >> 1) * 32, (index & 1) * 4]
    for (let at = 0; at < 32; at += 1) blocks.q[block * 32 + at] = (byteAt(raw, nibbles + at) >> shift) & 15
  }
  return blocks
}

const decoders: Readonly<Record<GgmlType, (raw: Uint8Array, out: Float32Array) => void>> = {
  F32: (raw, out) => {
    new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(raw)
  },
  F16: (raw, out) => {
    for (let at = 0; at < out.length; at += 1) out[at] = halfAt(raw, at * 2)
  },
  BF16: (raw, out) => {
    const bits = new Uint32Array(out.buffer, out.byteOffset, out.length)
    for (let at = 0; at < bits.length; at += 1) bits[at] = (byteAt(raw, at * 2) << 16) | (byteAt(raw, at * 2 + 1) << 24)
  },
  Q8_0: (raw, out) => {
    for (let begin = 0, at = 0; at < out.length; begin += 34) {
      const d = halfAt(raw, begin)
      for (let byte = begin + 2; byte < begin + 34; byte += 1, at += 1) out[at] = d * signedAt(raw, byte)
    }
  },
  Q4_0: (raw, out) => {
    for (let begin = 0, at = 0; at < out.length; begin += 18, at += 32) {
      const d = halfAt(raw, begin)
      decodeNibbles(raw, begin + 2, d, -8 * d, out, at, 16)
    }
  },
  Q4_1: (raw, out) => {
    for (let begin = 0, at = 0; at < out.length; begin += 20, at += 32) {
      decodeNibbles(raw, begin + 4, halfAt(raw, begin), halfAt(raw, begin + 2), out, at, 16)
    }
  },
  Q4_K: decodeQ4K,
  Q6_K: decodeQ6K,
}

/** The low nibbles of `count` bytes, then their high ones. */
function decodeNibbles(
  raw: Uint8Array,
  begin: number,
  d: number,
  m: number,
  out: Float32Array,
  to: number,
  count: number,
) {
  for (let at = 0; at < count; at += 1) {
    const byte = byteAt(raw, begin + at)
    out[to + at] = d * (byte & 15) + m
    out[to + at + count] = d * (byte >> 4) + m
  }
}

function unpackNibbles(raw: Uint8Array, begin: number, out: Uint8Array, to: number): void {
  for (let at = 0; at < 16; at += 1) {
    const byte = byteAt(raw, begin + at)
    out[to + at] = byte & 15
    out[to + at + 16] = byte >> 4
  }
}

/** d, dmin, 12 bytes with eight 6-bit scales and minima, 128 bytes of nibbles: 64 elements to 32 bytes, two scales. */
function decodeQ4K(raw: Uint8Array, out: Float32Array): void {
  for (let begin = 0, at = 0; at < out.length; begin += 144) {
    const d = halfAt(raw, begin)
    const dmin = halfAt(raw, begin + 2)
    for (let pair = 0; pair < 4; pair += 1, at += 64) {
      const nibbles = begin + 16 + pair * 32
      const [low, high] = [pair * 2, pair * 2 + 1]
      const lowScale = d * scaleAt(raw, begin + 4, low)
      const highScale = d * scaleAt(raw, begin + 4, high)
      const lowMinimum = dmin * minimumAt(raw, begin + 4, low)
      const highMinimum = dmin * minimumAt(raw, begin + 4, high)
      for (let byte = 0; byte < 32; byte += 1) {
        const value = byteAt(raw, nibbles + byte)
        out[at + byte] = lowScale * (value & 15) - lowMinimum
        out[at + byte + 32] = highScale * (value >> 4) - highMinimum
      }
    }
  }
}

/** Of the last four, the two highest bits lie in the first eight bytes. */
function scaleAt(raw: Uint8Array, begin: number, index: number): number {
  if (index < 4) return byteAt(raw, begin + index) & 63
  return (byteAt(raw, begin + index + 4) & 15) | ((byteAt(raw, begin + index - 4) >> 6) << 4)
}

function minimumAt(raw: Uint8Array, begin: number, index: number): number {
  if (index < 4) return byteAt(raw, begin + index + 4) & 63
  return (byteAt(raw, begin + index + 4) >> 4) | ((byteAt(raw, begin + index) >> 6) << 4)
}

/** 128 bytes with the low four bits, 64 with the high two, 16 signed scales, d; in two halves of 128 elements. */
function decodeQ6K(raw: Uint8Array, out: Float32Array): void {
  for (let begin = 0, at = 0; at < out.length; begin += 210) {
    const d = halfAt(raw, begin + 208)
    for (let half = 0; half < 2; half += 1, at += 128) {
      const low = begin + half * 64
      const high = begin + 128 + half * 32
      const scales = begin + 192 + half * 8
      for (let index = 0; index < 32; index += 1) {
        const scale = scales + (index >> 4)
        const first = byteAt(raw, low + index)
        const second = byteAt(raw, low + index + 32)
        const bits = byteAt(raw, high + index)
        out[at + index] = d * signedAt(raw, scale) * (((first & 15) | ((bits & 3) << 4)) - 32)
        out[at + index + 32] = d * signedAt(raw, scale + 2) * (((second & 15) | ((bits & 12) << 2)) - 32)
        out[at + index + 64] = d * signedAt(raw, scale + 4) * (((first >> 4) | (bits & 48)) - 32)
        out[at + index + 96] = d * signedAt(raw, scale + 6) * (((second >> 4) | ((bits & 192) >> 2)) - 32)
      }
    }
  }
}

/** Every half-precision number, by its bits. */
const halves = Float32Array.from({ length: 65_536 }, (_, bits) => {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
})

function halfAt(raw: Uint8Array, at: number): number {
  return halves[byteAt(raw, at) | (byteAt(raw, at + 1) << 8)] ?? 0
}

function signedAt(raw: Uint8Array, at: number): number {
  return (byteAt(raw, at) << 24) >> 24
}

/** Callers keep within `raw`, whose length is checked once. */
function byteAt(raw: Uint8Array, at: number): number {
  return raw[at] ?? 0
}
