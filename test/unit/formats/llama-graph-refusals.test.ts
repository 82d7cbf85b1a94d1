/** What no graph can be built of is refused, and said. */
import { expect, test } from 'vitest'
import { buildLlama, type LlamaBuild } from '../../../packages/sdk/src/formats/index.js'
import { syntheticLlama } from './synthetic-llama.js'

const build: LlamaBuild = { dtype: 'fp32', attention: 'Attention', externalPath: 'model.data' }

const refused: readonly (readonly [why: string, metadata: Readonly<Record<string, unknown>>])[] = [
  ['another architecture', { 'general.architecture': 'mamba' }],
  ['experts', { 'llama.expert_count': 8 }],
  ['rotation of a part of a head', { 'llama.rope.dimension_count': 8 }],
  ['values of another length', { 'llama.attention.value_length': 8 }],
  ['YaRN', { 'llama.rope.scaling.type': 'yarn', 'llama.rope.scaling.factor': 4 }],
  ['layers that differ', { 'llama.attention.head_count_kv': [2, 1] }],
]

test.for(refused)('%s is refused', ([, metadata]) => {
  const { gguf } = syntheticLlama({ architecture: 'llama', metadata })
  expect(() => buildLlama(gguf, build)).toThrow(expect.objectContaining({ code: 'MODEL_UNSUPPORTED' }))
})

test('a tensor that nothing is known of is refused, not left out', () => {
  const { gguf } = syntheticLlama({ architecture: 'llama' })
  const tensor = { name: 'blk.0.post_norm.weight', type: 'F32', shape: [64], offset: 0, bytes: 256 } as const
  const tensors = new Map([...gguf.tensors, [tensor.name, tensor]])
  expect(() => buildLlama({ ...gguf, tensors }, build)).toThrow(/post_norm/)
})

test('a tensor that is missing or of another shape makes the file invalid', () => {
  const { gguf } = syntheticLlama({ architecture: 'llama' })
  const without = new Map([...gguf.tensors].filter(([name]) => name !== 'blk.1.ffn_up.weight'))
  const invalid: unknown = expect.objectContaining({ code: 'MANIFEST_INVALID' })
  expect(() => buildLlama({ ...gguf, tensors: without }, build)).toThrow(invalid)
  const metadata = { ...gguf.metadata, 'llama.feed_forward_length': 128 }
  expect(() => buildLlama({ ...gguf, metadata }, build)).toThrow(invalid)
})
