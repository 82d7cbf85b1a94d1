/** What a GGUF's metadata say of a language model's graph; what cannot be built is refused here. */
import { EdgewardError } from '../errors/index.js'
import type { GgufFile, GgufTensor } from './gguf-types.js'

/** Architectures whose graphs can be built. */
export type LlamaArchitecture = 'llama' | 'qwen2' | 'qwen3'

const architectures: readonly LlamaArchitecture[] = ['llama', 'qwen2', 'qwen3']

export interface LlamaShape {
  readonly architecture: LlamaArchitecture
  readonly layers: number
  /** Elements of a token's vector. */
  readonly width: number
  readonly feedForward: number
  readonly heads: number
  /** Heads of keys and values, each of which serves `heads / kvHeads` heads. */
  readonly kvHeads: number
  readonly headSize: number
  readonly vocabulary: number
  readonly context: number
  /** Of the root mean square normalisation. */
  readonly epsilon: number
  readonly ropeBase: number
  /** Positions are divided by it. */
  readonly ropeFactor: number
}

/** @throws {EdgewardError} `MODEL_UNSUPPORTED`, `MANIFEST_INVALID`: see `buildLlama`. */
export function readShape(gguf: GgufFile): LlamaShape {
  const architecture = architectures.find((known) => known === gguf.metadata['general.architecture'])
  if (!architecture) {
    throw unsupported(`the architecture ${String(gguf.metadata['general.architecture'])}`, architectures.join(', '))
  }
  const number = (key: string, otherwise?: number) => numberAt(gguf, `${architecture}.${key}`, otherwise)
  const width = number('embedding_length')
  const heads = number('attention.head_count')
  const headSize = number('attention.key_length', width / heads)
  refuse(number('expert_count', 0) !== 0, 'a mixture of experts', 'a model without experts')
  refuse(number('attention.value_length', headSize) !== headSize, 'values of another length than keys', 'equal lengths')
  refuse(
    number('rope.dimension_count', headSize) !== headSize,
    'heads that are rotated in part',
    'rotation of whole heads',
  )
  return {
    architecture,
    layers: number('block_count'),
    width,
    feedForward: number('feed_forward_length'),
    heads,
    kvHeads: number('attention.head_count_kv', heads),
    headSize,
    vocabulary: tensorOf(gguf, 'token_embd.weight').shape[1] ?? 0,
    context: number('context_length'),
    epsilon: number('attention.layer_norm_rms_epsilon'),
    ropeBase: number('rope.freq_base', 10_000),
    ropeFactor: ropeFactorOf(gguf, architecture),
  }
}

/** @throws {EdgewardError} `MANIFEST_INVALID` when there is no such tensor. */
export function tensorOf({ tensors }: GgufFile, name: string): GgufTensor {
  const tensor = tensors.get(name)
  if (tensor) return tensor
  throw new EdgewardError('MANIFEST_INVALID', `the GGUF has no tensor ${name}`, { details: { tensor: name } })
}

export function unsupported(found: string, wanted: string): EdgewardError {
  return new EdgewardError('MODEL_UNSUPPORTED', `this GGUF has ${found}; what can be run is ${wanted}`)
}

function refuse(isSo: boolean, found: string, wanted: string): void {
  if (isSo) throw unsupported(found, wanted)
}

/**
 * `linear`, which is also meant where there is no type, is of metadata; the factors of Llama 3 are a tensor, `rope_freqs.weight`. As
 * `load_hparams` of llama.cpp's `llama-model.cpp`: 0 is no factor.
 */
function ropeFactorOf(gguf: GgufFile, architecture: string): number {
  const type = gguf.metadata[`${architecture}.rope.scaling.type`] ?? 'linear'
  if (type === 'none') return 1
  if (type === 'linear') {
    const older = numberAt(gguf, `${architecture}.rope.scale_linear`, 0)
    return numberAt(gguf, `${architecture}.rope.scaling.factor`, older) || 1
  }
  throw unsupported(
    `rotary positions scaled by ${JSON.stringify(type)}`,
    'scaling that is linear or in rope_freqs.weight',
  )
}

function numberAt({ metadata }: GgufFile, key: string, otherwise?: number): number {
  const value = metadata[key] ?? otherwise
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (Array.isArray(value)) throw unsupported(`layers that differ in ${key}`, 'layers that are alike')
  throw new EdgewardError('MANIFEST_INVALID', `the GGUF's ${key} is ${JSON.stringify(value)}, which is no number`, {
    details: { key },
  })
}
