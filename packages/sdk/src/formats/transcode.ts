/** Rewrites numbers of weights: transposed, as rows of int8, as blocks of four or eight bits. All is row-major. */
import { float16Bits } from '../shared/index.js'

/** Values of a block with a scale of its own. */
export const blockLength = 32

/**
 * Writes whole rows as columns of a matrix of `columns` × `totalRows`, from column `first` on.
 *
 * @param band Some rows, one after the other.
 */
export function transposeInto(
  out: Float32Array | Int8Array,
  band: Float32Array | Int8Array,
  columns: number,
  first: number,
  totalRows: number,
): void {
  const count = band.length / columns
  for (let column = 0; column < columns; column += 1) {
    const base = column * totalRows + first
    for (let row = 0; row < count; row += 1) out[base + row] = band[row * columns + column] ?? 0
  }
}

/** What a row's values are multiples of when the largest of them becomes 127. */
export function int8Scale(row: Float32Array): number {
  return largest(row) / 127 || 1
}

/** Values as multiples of `scale`, nearest first. */
export function toInt8(row: Float32Array, scale: number, out: Int8Array): void {
  const inverse = 1 / scale
  // Truncation rounds what is positive, and is several times faster than Math.round.
  for (let index = 0; index < row.length; index += 1) out[index] = (((row[index] ?? 0) * inverse + 128.5) | 0) - 128
}

/** A block's scale in eight bits, and its values as bytes around 128. */
export function toBlock8(block: Float32Array, out: Uint8Array): number {
  const scale = largest(block) / 127
  const inverse = scale ? 1 / scale : 0
  for (let index = 0; index < block.length; index += 1) out[index] = ((block[index] ?? 0) * inverse + 128.5) | 0
  return scale
}

/** How a block of four bits is read: `w = d · q + m`. */
export interface Block4 {
  readonly d: number
  readonly m: number
}

/** A block in four bits, from its least value to its largest, as Q4_1 has it. */
export function toBlock4(block: Float32Array, out: Uint8Array): Block4 {
  let [m, most] = [Infinity, -Infinity]
  for (let index = 0; index < block.length; index += 1) {
    const value = block[index] ?? 0
    if (value < m) m = value
    if (value > most) most = value
  }
  const d = (most - m) / 15
  const inverse = d ? 1 / d : 0
  for (let index = 0; index < block.length; index += 1) out[index] = (((block[index] ?? 0) - m) * inverse + 0.5) | 0
  return { d, m }
}

/** Two values of four bits in a byte, the first in its low half. */
export function packNibbles(values: Uint8Array, out: Uint8Array): void {
  for (let index = 0; index < out.length; index += 1) {
    out[index] = (values[2 * index] ?? 0) | ((values[2 * index + 1] ?? 0) << 4)
  }
}

/** The nearest half-precision numbers, as their bits; ties to even, what is too large to infinity. */
export function toFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  return Uint16Array.from(bits, (word, index) => {
    const exponent = (word >>> 23) & 0xff
    // Subnormal, zero, infinite or no number: seldom, and left to the function that takes its time.
    if (exponent < 113 || exponent > 141) return float16Bits(values[index] ?? 0)
    const magnitude = (word & 0x7fffffff) - 0x38000000
    const half = magnitude >>> 13
    const rest = magnitude & 0x1fff
    return ((word >>> 16) & 0x8000) | (half + (rest > 0x1000 || (rest === 0x1000 && half % 2 === 1) ? 1 : 0))
  })
}

function largest(values: Float32Array): number {
  let [least, most] = [0, 0]
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? 0
    if (value > most) most = value
    else if (value < least) least = value
  }
  return Math.max(most, -least)
}
