/** Makes one weight at a time, in the layout that a graph wants, from the bytes of a GGUF's tensors. */
import { int8Scale, toFloat16, toInt8, transposeInto } from './transcode.js'
import { eachBand, rowsOf, type MakeWeight, type Matrix, type RawTensor } from './weight-layout-matrix.js'

/** The dtypes of what is not quantised. */
export type FloatDtype = 'float32' | 'float16'

/** [rows, columns] of float32 or float16. */
export function floatRows(matrix: Matrix, dtype: FloatDtype): MakeWeight {
  return (raw) => {
    const out = new Float32Array(matrix.rows * matrix.columns)
    eachBand(matrix, raw, ({ values, first }) => out.set(values(), first * matrix.columns))
    return floatBytes(out, dtype)
  }
}

/** [columns, rows] of float32. */
export function floatColumns(matrix: Matrix): MakeWeight {
  return (raw) => {
    const out = new Float32Array(matrix.rows * matrix.columns)
    eachBand(matrix, raw, ({ values, first }) => {
      transposeInto(out, values(), matrix.columns, first, matrix.rows)
    })
    return bytesOf(out)
  }
}

/** [rows, columns] of int8, each row with a scale: see {@link int8Scales}. */
export function int8Rows(matrix: Matrix): MakeWeight {
  return (raw) => {
    const out = new Int8Array(matrix.rows * matrix.columns)
    eachBand(matrix, raw, ({ values, first }) => out.set(int8Band(values(), matrix.columns), first * matrix.columns))
    return bytesOf(out)
  }
}

/** [columns, rows] of int8, each column with a scale: see {@link int8Scales}. */
export function int8Columns(matrix: Matrix): MakeWeight {
  return (raw) => {
    const out = new Int8Array(matrix.rows * matrix.columns)
    eachBand(matrix, raw, ({ values, first }) => {
      transposeInto(out, int8Band(values(), matrix.columns), matrix.columns, first, matrix.rows)
    })
    return bytesOf(out)
  }
}

/** [rows] of float32: what the int8 of each row are multiples of. */
export function int8Scales(matrix: Matrix): MakeWeight {
  return (raw) => {
    const out = new Float32Array(matrix.rows)
    eachBand(matrix, raw, ({ values, first }) => {
      rowsOf(values(), matrix.columns).forEach((row, index) => (out[first + index] = int8Scale(row)))
    })
    return bytesOf(out)
  }
}

/** Of the rotation of a position by the angles `position · rate`, one a pair of elements: [positions, rates]. */
export function rotationTable(
  of: 'cos' | 'sin',
  positions: number,
  rates: (raw: RawTensor) => readonly number[],
  dtype: FloatDtype,
): MakeWeight {
  return (raw) => {
    const each = rates(raw)
    const out = new Float32Array(positions * each.length)
    for (let position = 0; position < positions; position += 1) {
      each.forEach((rate, index) => (out[position * each.length + index] = Math[of](position * rate)))
    }
    return floatBytes(out, dtype)
  }
}

/** The bytes of numbers, rounded to their dtype. */
export function floatBytes(out: Float32Array<ArrayBuffer>, dtype: FloatDtype): Uint8Array<ArrayBuffer> {
  return bytesOf(dtype === 'float32' ? out : toFloat16(out))
}

function int8Band(values: Float32Array, columns: number): Int8Array {
  const out = new Int8Array(values.length)
  rowsOf(values, columns).forEach((row, index) => {
    toInt8(row, int8Scale(row), out.subarray(index * columns, (index + 1) * columns))
  })
  return out
}

function bytesOf({
  buffer,
}: Float32Array<ArrayBuffer> | Int8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer)
}
