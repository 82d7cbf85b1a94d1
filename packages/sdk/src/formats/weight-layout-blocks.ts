/** Lays matrices out in blocks of four or eight bits, with one scale a block. */
import { blocksOf } from './gguf-blocks.js'
import type { GgmlType, QuantizedBlocks } from './gguf-types.js'
import { blockLength, packNibbles, toBlock4, toBlock8, transposeInto } from './transcode.js'
import { floatBytes, type FloatDtype } from './weight-layout.js'
import { eachBand, rowsOf, type Band, type MakeWeight, type Matrix, type RawTensor } from './weight-layout-matrix.js'

/** Block types whose weights are blocks of four bits as they are. */
const fourBitTypes: readonly GgmlType[] = ['Q4_0', 'Q4_1', 'Q4_K']

/** Whether every weight is one of a block of four bits, so that nothing is lost when it is laid out as such. */
export function isFourBit({ parts }: Matrix): boolean {
  return parts.every(({ tensor }) => fourBitTypes.includes(tensor.type))
}

/** Whether blocks of four bits all have their zero in the middle, at 8. */
export function isCentred({ parts }: Matrix): boolean {
  return parts.every(({ tensor }) => tensor.type === 'Q4_0')
}

/** A matrix in blocks along its rows, as `MatMulNBits` and `GatherBlockQuantized` have it; each layout is one weight. */
export interface BlockLayout {
  /** [rows, blocks of a row, bytes of a block] of uint8. */
  readonly values: MakeWeight
  /** [rows, blocks of a row]: what a block's values, less the zero point in their middle, are multiples of. */
  readonly scales: MakeWeight
  /** [blocks of a row, rows]: what is to be added to each weight of a block. */
  readonly offsets: MakeWeight
}

/**
 * Blocks of four bits: those of Q4_0, Q4_1 and Q4_K as they are, others made of the values, from a block's least to its largest.
 *
 * @param dtype Of scales and offsets.
 */
export function blocksOf4(matrix: Matrix, dtype: FloatDtype): BlockLayout {
  return blockLayout(matrix, dtype, 4, (band) => {
    return (fourBitTypes.includes(band.type) ? blocksOf(band.type, band.raw) : undefined) ?? blocks4(band.values())
  })
}

/** Blocks of eight bits: those of Q8_0 as they are, others made of the values, with zero in the middle; there are no offsets. */
export function blocksOf8(matrix: Matrix, dtype: FloatDtype): BlockLayout {
  return blockLayout(matrix, dtype, 8, (band) => {
    return (band.type === 'Q8_0' ? blocksOf(band.type, band.raw) : undefined) ?? blocks8(band.values())
  })
}

/** Where blocks of four bits have their zero, unless they say otherwise (`MatMulNBits`). */
const zeroPoint4 = 8

type EachBlocks = (raw: RawTensor, visit: (blocks: QuantizedBlocks, first: number) => void) => void

/** Turns the rows of a matrix into blocks, anew for each weight that is asked for. */
function blockLayout(
  matrix: Matrix,
  dtype: FloatDtype,
  bits: 4 | 8,
  quantize: (band: Band) => QuantizedBlocks,
): BlockLayout {
  const blocks = matrix.columns / blockLength
  const eachBlocks: EachBlocks = (raw, visit) => {
    eachBand(matrix, raw, (band) => visit(quantize(band), band.first))
  }
  return {
    values: (raw) => {
      const rowBytes = (matrix.columns * bits) / 8
      const out = new Uint8Array(matrix.rows * rowBytes)
      eachBlocks(raw, ({ q }, first) => {
        if (bits === 8) out.set(q, first * rowBytes)
        else packNibbles(q, out.subarray(first * rowBytes, first * rowBytes + q.length / 2))
      })
      return out
    },
    scales: (raw) => {
      const out = new Float32Array(matrix.rows * blocks)
      eachBlocks(raw, ({ d }, first) => out.set(d, first * blocks))
      return floatBytes(out, dtype)
    },
    offsets: (raw) => {
      const out = new Float32Array(matrix.rows * blocks)
      eachBlocks(raw, ({ d, m }, first) => {
        const offsets = m.map((minimum, index) => minimum + zeroPoint4 * (d[index] ?? 0))
        transposeInto(out, offsets, blocks, first, matrix.rows)
      })
      return floatBytes(out, dtype)
    },
  }
}

function blocks4(values: Float32Array): QuantizedBlocks {
  const blocks = emptyBlocks(values.length)
  rowsOf(values, blockLength).forEach((block, index) => {
    const { d, m } = toBlock4(block, blocks.q.subarray(index * blockLength, (index + 1) * blockLength))
    blocks.d[index] = d
    blocks.m[index] = m
  })
  return blocks
}

function blocks8(values: Float32Array): QuantizedBlocks {
  const blocks = emptyBlocks(values.length)
  rowsOf(values, blockLength).forEach((block, index) => {
    blocks.d[index] = toBlock8(block, blocks.q.subarray(index * blockLength, (index + 1) * blockLength))
  })
  return blocks
}

function emptyBlocks(length: number): QuantizedBlocks {
  const count = length / blockLength
  return { q: new Uint8Array(length), d: new Float32Array(count), m: new Float32Array(count) }
}
