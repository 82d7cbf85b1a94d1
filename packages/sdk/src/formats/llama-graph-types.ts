/** How a language model's graph is built, and what comes of it. */
import type { TensorSpec } from '../contract/index.js'
import type { MakeWeight } from './weight-layout-matrix.js'

/**
 * How the weights are stored and computed.
 *
 * - `fp32`: as the GGUF says them, exactly.
 * - `q8`: a row's int8 with one scale, made float by the runtime when it loads.
 * - `int8`: the same weights, multiplied as integers with activations in two int8 digits, one scale a token.
 * - `q4`, `q4f16`: blocks of four bits for WebGPU, in float32 or float16.
 */
export type LlamaDtype = 'fp32' | 'q8' | 'int8' | 'q4' | 'q4f16'

export interface LlamaBuild {
  readonly dtype: LlamaDtype
  /** `Attention` of operator set 23 for WASM, `GroupQueryAttention` for WebGPU. */
  readonly attention: 'Attention' | 'GroupQueryAttention'
  /** The file with the weights, relative to the folder of the graph's own. */
  readonly externalPath: string
  /** The most tokens that are to be attended to; at most, and by default, as many as the GGUF says. */
  readonly maxContext?: number
}

/** One weight as the graph wants it: a range of the file with the weights. */
export interface WeightTensor {
  readonly name: string
  readonly offset: number
  readonly bytes: number
  /** Makes it, anew each time. */
  readonly make: MakeWeight
}

export interface LlamaModel {
  /** The contents of an `.onnx` file. */
  readonly graph: Uint8Array<ArrayBuffer>
  /** By offset; between them may be gaps. */
  readonly weights: readonly WeightTensor[]
  /** Of the whole file with the weights. */
  readonly externalBytes: number
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
}
