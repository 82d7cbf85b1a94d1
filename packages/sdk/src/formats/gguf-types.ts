/** What a GGUF is, once read: its metadata, and where each tensor lies in which blocks. */

/** The block types that can be run, in ggml's names. */
export type GgmlType = 'F32' | 'F16' | 'BF16' | 'Q8_0' | 'Q4_0' | 'Q4_1' | 'Q4_K' | 'Q6_K'

export interface GgufTensor {
  readonly name: string
  readonly type: GgmlType
  /** As in the file: [columns, rows]; a vector has its length alone. */
  readonly shape: readonly number[]
  /** Of its first byte, in the file. */
  readonly offset: number
  readonly bytes: number
}

export interface GgufFile {
  /** By key, such as `general.architecture`; 64-bit integers are numbers. */
  readonly metadata: GgufMetadata
  readonly tensors: ReadonlyMap<string, GgufTensor>
}

export type GgufMetadata = Readonly<Record<string, unknown>>

/** Weights in blocks of 32 along the columns, row by row: w = d·q + m, with one d and one m a block. */
export interface QuantizedBlocks {
  readonly q: Uint8Array<ArrayBuffer>
  readonly d: Float32Array<ArrayBuffer>
  readonly m: Float32Array<ArrayBuffer>
}

/** How many elements and bytes a block of each type has (`ggml-common.h` of llama.cpp). */
export const ggmlBlocks: Readonly<Record<GgmlType, { readonly elements: number; readonly bytes: number }>> =
  Object.freeze({
    F32: { elements: 1, bytes: 4 },
    F16: { elements: 1, bytes: 2 },
    BF16: { elements: 1, bytes: 2 },
    Q8_0: { elements: 32, bytes: 34 },
    Q4_0: { elements: 32, bytes: 18 },
    Q4_1: { elements: 32, bytes: 20 },
    Q4_K: { elements: 256, bytes: 144 },
    Q6_K: { elements: 256, bytes: 210 },
  })
