/** Matrices out of the rows of a GGUF's tensors, read a few rows at a time. */
import { EdgewardError } from '../errors/index.js'
import { decodeTensor } from './gguf-blocks.js'
import type { GgmlType, GgufTensor } from './gguf-types.js'

/** Gives the bytes of one of the GGUF's tensors, as in the file. */
export type RawTensor = (tensor: GgufTensor) => Uint8Array

/** Makes a weight's bytes, little-endian. */
export type MakeWeight = (raw: RawTensor) => Uint8Array<ArrayBuffer>

/** A tensor whose rows follow those of the ones before it. */
export interface MatrixPart {
  readonly tensor: GgufTensor
  /**
   * The size of a head whose rows lie in pairs as they are rotated (0 with half, 1 with half + 1, …) and are to lie in halves: so
   * are the queries and keys of the architecture `llama`, and of no other.
   */
  readonly pairedHead?: number
}

/** A matrix of `rows` × `columns`, from the rows of one tensor or of several. A vector is a matrix of one column. */
export interface Matrix {
  readonly parts: readonly MatrixPart[]
  readonly columns: number
  readonly rows: number
}

/** Some rows of a matrix, from row `first` on. */
export interface Band {
  readonly first: number
  readonly type: GgmlType
  readonly raw: Uint8Array
  /** Their values; the array is used again for the next band. */
  values(): Float32Array
}

/** Rows that are decoded at once: few, so that little memory is needed; several, so that transposing writes whole cache lines. */
const bandRows = 32

/** @throws {EdgewardError} `MANIFEST_INVALID` where the tensors' rows differ in length. */
export function matrixOf(...parts: readonly MatrixPart[]): Matrix {
  const sizes = parts.map(({ tensor }) => sizeOf(tensor))
  const columns = sizes[0]?.columns ?? 0
  const other = sizes.findIndex((size) => size.columns !== columns)
  if (other >= 0) {
    const name = parts[other]?.tensor.name ?? ''
    throw new EdgewardError(
      'MANIFEST_INVALID',
      `the rows of ${name} have not the ${columns} columns they should have`,
      {
        details: { tensor: name },
      },
    )
  }
  return { parts, columns, rows: sizes.reduce((sum, size) => sum + size.rows, 0) }
}

/** Goes through a matrix from its first row to its last. */
export function eachBand({ parts, columns }: Matrix, raw: RawTensor, visit: (band: Band) => void): void {
  const decoded = new Float32Array(bandRows * columns)
  let offset = 0
  for (const { tensor, pairedHead } of parts) {
    const { rows } = sizeOf(tensor)
    const bytes = raw(tensor)
    for (let first = 0; first < rows; first += bandRows) {
      const count = Math.min(bandRows, rows - first)
      const band = rawRows(bytes, tensor.bytes / rows, first, count, pairedHead)
      const values = () => {
        const out = decoded.subarray(0, count * columns)
        decodeTensor(tensor.type, band, out)
        return out
      }
      visit({ first: offset + first, type: tensor.type, raw: band, values })
    }
    offset += rows
  }
}

/** Rows as views of their values. */
export function rowsOf(values: Float32Array, columns: number): readonly Float32Array[] {
  return Array.from({ length: values.length / columns }, (_, row) =>
    values.subarray(row * columns, (row + 1) * columns),
  )
}

/** All values of one tensor. */
export function valuesOf(tensor: GgufTensor, raw: RawTensor): Float32Array {
  const out = new Float32Array(tensor.shape.reduce((product, length) => product * length, 1))
  decodeTensor(tensor.type, raw(tensor), out)
  return out
}

function rawRows(bytes: Uint8Array, rowBytes: number, first: number, count: number, pairedHead?: number): Uint8Array {
  if (pairedHead === undefined) return bytes.subarray(first * rowBytes, (first + count) * rowBytes)
  const gathered = new Uint8Array(count * rowBytes)
  for (let index = 0; index < count; index += 1) {
    const row = pairedRow(first + index, pairedHead) * rowBytes
    gathered.set(bytes.subarray(row, row + rowBytes), index * rowBytes)
  }
  return gathered
}

/** Which of the rows in pairs is the one that is to lie at `row`. */
function pairedRow(row: number, head: number): number {
  const within = row % head
  const half = head / 2
  return row - within + (within % half) * 2 + Math.floor(within / half)
}

function sizeOf({ shape }: GgufTensor): { readonly columns: number; readonly rows: number } {
  const [length = 0, rows] = shape
  return rows === undefined ? { columns: 1, rows: length } : { columns: length, rows }
}
