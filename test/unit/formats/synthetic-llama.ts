/** Tiny language models in a GGUF's own layout: two layers, random weights. */
import { float16Bits, float16Value } from '../../../packages/sdk/src/shared/index.js'
import type { GgmlType, GgufFile, GgufTensor } from '../../../packages/sdk/src/formats/index.js'

export interface SyntheticOptions {
  readonly architecture: 'llama' | 'qwen2' | 'qwen3'
  /** Of the linear layers. */
  readonly type?: 'F32' | 'F16' | 'Q4_0' | 'Q4_1' | 'Q8_0'
  /** Of the embedding. */
  readonly embeddingType?: 'F32' | 'Q8_0'
  /** Of the head, where it has weights of its own. */
  readonly headType?: 'F32' | 'Q4_0' | 'Q8_0'
  readonly headSize?: number
  /** Factors by which Llama 3 divides the rates of rotation. */
  readonly ropeFactors?: readonly number[]
  readonly metadata?: Readonly<Record<string, unknown>>
}

export interface SyntheticModel {
  readonly gguf: GgufFile
  /** By name, decoded, row-major. */
  readonly values: ReadonlyMap<string, Float64Array>
  raw(tensor: GgufTensor): Uint8Array
}

export const [width, feedForward, vocabulary, heads, kvHeads] = [64, 96, 80, 4, 2]

export function syntheticLlama(options: SyntheticOptions): SyntheticModel {
  const { architecture, type = 'F32', embeddingType = 'F32', headType, headSize = 16, ropeFactors } = options
  const tensors = new Map<string, GgufTensor>()
  const values = new Map<string, Float64Array>()
  const bytes = new Map<string, Uint8Array>()
  const random = randomNumbers(7)
  const add = (name: string, as: SyntheticType, shape: readonly number[], scale: number, middle = 0) => {
    const wanted = Array.from({ length: shape.reduce((a, b) => a * b) }, () => middle + scale * random())
    const { raw, decoded } = encoders[as](wanted)
    tensors.set(name, { name, type: as satisfies GgmlType, shape, offset: 0, bytes: raw.length })
    values.set(name, decoded)
    bytes.set(name, raw)
  }
  const matrix = (name: string, columns: number, rows: number) =>
    add(`${name}.weight`, type, [columns, rows], 2 / Math.sqrt(columns))
  const norm = (name: string, length: number) => add(`${name}.weight`, 'F32', [length], 0.3, 1)

  add('token_embd.weight', embeddingType, [width, vocabulary], 1)
  if (headType) add('output.weight', headType, [width, vocabulary], 0.5)
  norm('output_norm', width)
  if (ropeFactors) add('rope_freqs.weight', 'F32', [ropeFactors.length], 0)
  if (ropeFactors) bytes.set('rope_freqs.weight', new Uint8Array(Float32Array.from(ropeFactors).buffer))
  if (ropeFactors) values.set('rope_freqs.weight', Float64Array.from(ropeFactors))
  for (let layer = 0; layer < 2; layer += 1) {
    const name = (part: string) => `blk.${layer}.${part}`
    norm(name('attn_norm'), width)
    norm(name('ffn_norm'), width)
    matrix(name('attn_q'), width, heads * headSize)
    matrix(name('attn_k'), width, kvHeads * headSize)
    matrix(name('attn_v'), width, kvHeads * headSize)
    matrix(name('attn_output'), heads * headSize, width)
    matrix(name('ffn_gate'), width, feedForward)
    matrix(name('ffn_up'), width, feedForward)
    matrix(name('ffn_down'), feedForward, width)
    if (architecture === 'qwen2') {
      add(name('attn_q.bias'), 'F32', [heads * headSize], 0.5)
      add(name('attn_k.bias'), 'F32', [kvHeads * headSize], 0.5)
      add(name('attn_v.bias'), 'F32', [kvHeads * headSize], 0.5)
    }
    if (architecture === 'qwen3') for (const of of ['q', 'k']) norm(name(`attn_${of}_norm`), headSize)
  }
  const metadata = {
    'general.architecture': architecture,
    [`${architecture}.block_count`]: 2,
    [`${architecture}.embedding_length`]: width,
    [`${architecture}.feed_forward_length`]: feedForward,
    [`${architecture}.attention.head_count`]: heads,
    [`${architecture}.attention.head_count_kv`]: kvHeads,
    [`${architecture}.attention.key_length`]: headSize,
    [`${architecture}.attention.layer_norm_rms_epsilon`]: 1e-5,
    [`${architecture}.context_length`]: 64,
    [`${architecture}.rope.freq_base`]: 10_000,
    ...options.metadata,
  }
  return { gguf: { metadata, tensors }, values, raw: ({ name }) => bytes.get(name) ?? new Uint8Array(0) }
}

type SyntheticType = 'F32' | 'F16' | 'Q4_0' | 'Q4_1' | 'Q8_0'
type Encoder = (wanted: readonly number[]) => { readonly raw: Uint8Array; readonly decoded: Float64Array }

/** Each rounds to what the type can say, and tells what that is. */
const encoders: Readonly<Record<SyntheticType, Encoder>> = {
  F32: (wanted) => {
    const floats = Float32Array.from(wanted)
    return { raw: new Uint8Array(floats.buffer), decoded: Float64Array.from(floats) }
  },
  F16: (wanted) => {
    const bits = Uint16Array.from(wanted, float16Bits)
    return { raw: new Uint8Array(bits.buffer), decoded: Float64Array.from(bits, float16Value) }
  },
  Q8_0: inBlocks((block) => {
    const [d, bits] = half(Math.max(...block.map(Math.abs)) / 127)
    const q = block.map((value) => Math.max(-127, Math.min(127, Math.round(value / d))))
    return { bytes: [...bits, ...q.map((value) => value & 255)], values: q.map((value) => d * value) }
  }),
  Q4_0: inBlocks((block) => {
    const [d, bits] = half(Math.max(...block.map(Math.abs)) / 7)
    const q = block.map((value) => Math.max(0, Math.min(15, Math.round(value / d) + 8)))
    return { bytes: [...bits, ...nibbles(q)], values: q.map((value) => d * (value - 8)) }
  }),
  Q4_1: inBlocks((block) => {
    const [m, minimum] = half(Math.min(...block))
    const [d, bits] = half((Math.max(...block) - m) / 15)
    const q = block.map((value) => Math.max(0, Math.min(15, Math.round((value - m) / d))))
    return { bytes: [...bits, ...minimum, ...nibbles(q)], values: q.map((value) => d * value + m) }
  }),
}

function inBlocks(
  encode: (block: readonly number[]) => { bytes: readonly number[]; values: readonly number[] },
): Encoder {
  return (wanted) => {
    const blocks = Array.from({ length: wanted.length / 32 }, (_, index) =>
      encode(wanted.slice(index * 32, index * 32 + 32)),
    )
    return {
      raw: Uint8Array.from(blocks.flatMap(({ bytes }) => bytes)),
      decoded: Float64Array.from(blocks.flatMap(({ values }) => values)),
    }
  }
}

function half(value: number): readonly [value: number, bytes: readonly number[]] {
  const bits = float16Bits(value)
  return [float16Value(bits), [bits & 255, bits >> 8]]
}

/** The first half of a block lies in the low halves of its bytes. */
function nibbles(q: readonly number[]): readonly number[] {
  return q.slice(0, 16).map((low, index) => low | ((q[index + 16] ?? 0) << 4))
}

/** Even between −1 and 1: Park and Miller's generator. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return (2 * state) / 2_147_483_647 - 1
  }
}
