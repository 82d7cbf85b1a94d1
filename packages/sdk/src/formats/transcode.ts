/** Rewrites numbers of weights: transposed, as rows of int8, as blocks of four or eight bits. All is row-major. */

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
  for (let index = 0; index < row.length; index += 1) out[index] = Math.round((row[index] ?? 0) * inverse)
}

/** A block's scale in eight bits, and its values as bytes around 128. */
export function toBlock8(block: Float32Array, out: Uint8Array): number {
  const scale = largest(block) / 127
  const inverse = scale ? 1 / scale : 0
  for (let index = 0; index < block.length; index += 1) out[index] = Math.round((block[index] ?? 0) * inverse) + 128
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
  for (const value of block) {
    if (value < m) m = value
    if (value > most) most = value
  }
  const d = (most - m) / 15
  const inverse = d ? 1 / d : 0
  for (let index = 0; index < block.length; index += 1) out[index] = Math.round(((block[index] ?? 0) - m) * inverse)
  return { d, m }
}

/** Two values of four bits in a byte, the first in its low half. */
export function packNibbles(values: Uint8Array, out: Uint8Array): void {
  for (let index = 0; index < out.length; index += 1) {
    out[index] = (values[2 * index] ?? 0) | ((values[2 * index + 1] ?? 0) << 4)
  }
}

function largest(values: Float32Array): number {
  let most = 0
  for (const value of values) {
    const size = Math.abs(value)
    if (size > most) most = size
  }
  return most
}
