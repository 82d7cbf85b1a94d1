/** Graphs built from a GGUF answer as the model's definition does. */
import { expect, test } from 'vitest'
import { buildLlama, externalTensors, readGraphSignature } from '../../../packages/sdk/src/formats/index.js'
import type { GgufTensor, LlamaBuild, LlamaDtype } from '../../../packages/sdk/src/formats/index.js'
import { referenceLogits } from './reference-llama.js'
import { openLlama } from './run-llama.js'
import { syntheticLlama, vocabulary, type SyntheticModel, type SyntheticOptions } from './synthetic-llama.js'

const ids = [3, 79, 14, 15, 0, 62, 41, 41, 5, 17, 28]

/** Of logits up to 40: the rounding of float32. */
const exact = 1e-4

const operators = ['Attention', 'GroupQueryAttention'] as const

function buildOf(dtype: LlamaDtype, attention: LlamaBuild['attention'] = 'Attention'): LlamaBuild {
  return { dtype, attention, externalPath: 'model.data' }
}

/** The logits of all ids, run in pieces. */
async function logitsOf(
  { gguf, raw }: SyntheticModel,
  build: LlamaBuild,
  pieces: readonly (readonly number[])[] = [ids],
  on?: 'native' | 'wasm',
): Promise<Float32Array> {
  const running = await openLlama(buildLlama(gguf, build), build.externalPath, raw, on)
  const parts: number[] = []
  for (const piece of pieces) parts.push(...(await running.run(piece)))
  await running.release()
  return Float32Array.from(parts)
}

function largestDifference(logits: Float32Array, expected: readonly number[]): number {
  expect(logits).toHaveLength(expected.length)
  return logits.reduce((most, value, index) => Math.max(most, Math.abs(value - (expected[index] ?? NaN))), 0)
}

const models: readonly (readonly [name: string, options: SyntheticOptions])[] = [
  ['llama', { architecture: 'llama' }],
  ['llama in F16', { architecture: 'llama', type: 'F16' }],
  ['llama in Q4_0', { architecture: 'llama', type: 'Q4_0', embeddingType: 'Q8_0' }],
  ['llama in Q4_1', { architecture: 'llama', type: 'Q4_1', embeddingType: 'Q8_0' }],
  ['llama in Q8_0', { architecture: 'llama', type: 'Q8_0', embeddingType: 'Q8_0' }],
  ['llama with a head of its own', { architecture: 'llama', headType: 'F32' }],
  ['llama with the factors of Llama 3', { architecture: 'llama', ropeFactors: [1, 1, 1.5, 2, 4, 8, 8, 8] }],
  [
    'llama with positions scaled linearly',
    { architecture: 'llama', metadata: { 'llama.rope.scaling.type': 'linear', 'llama.rope.scaling.factor': 4 } },
  ],
  [
    'llama with a factor of positions and no type, which is linear',
    { architecture: 'llama', metadata: { 'llama.rope.scaling.factor': 4 } },
  ],
  ['llama whose factor of 0 is none', { architecture: 'llama', metadata: { 'llama.rope.scale_linear': 0 } }],
  ['qwen2, with biases', { architecture: 'qwen2', type: 'Q8_0' }],
  ['qwen3, with normalised heads wider than its width', { architecture: 'qwen3', headSize: 32 }],
]

test.for(models.flatMap(([name, options]) => operators.map((attention) => [name, attention, options] as const)))(
  'fp32 of %s answers as its definition, by %s: at once, in pieces, and token by token',
  async ([, attention, options]) => {
    const model = syntheticLlama(options)
    const expected = referenceLogits(model, ids).flat()
    const cuts = [[ids], [ids.slice(0, 4), ids.slice(4, 9), ids.slice(9)], ids.map((id) => [id])]
    for (const pieces of cuts) {
      const logits = await logitsOf(model, buildOf('fp32', attention), pieces)
      expect(largestDifference(logits, expected)).toBeLessThan(exact)
    }
  },
)

test.for([
  ['Q4_0', 'Q4_0'],
  ['Q4_1', undefined],
  ['Q4_1', 'Q8_0'],
] as const)('q4 of %s with a head of %s loses nothing', async ([type, headType]) => {
  const options = { architecture: 'qwen2', type, embeddingType: 'Q8_0', ...(headType ? { headType } : {}) } as const
  const model = syntheticLlama(options)
  const expected = referenceLogits(model, ids).flat()
  const pieces = [ids.slice(0, 6), ids.slice(6)]
  for (const attention of operators) {
    const logits = await logitsOf(model, buildOf('q4', attention), pieces)
    expect(largestDifference(logits, expected)).toBeLessThan(exact)
  }
})

test('q4f16 answers as q4 but for the rounding to half precision', async () => {
  const model = syntheticLlama({ architecture: 'llama', type: 'Q4_1', embeddingType: 'Q8_0' })
  const logits = await logitsOf(model, buildOf('q4f16', 'GroupQueryAttention'), [ids.slice(0, 6), ids.slice(6)])
  expect(largestDifference(logits, referenceLogits(model, ids).flat())).toBeLessThan(0.03)
})

test.for(['F32', 'F16', 'Q8_0'] as const)(
  'q4 rounds what is %s to blocks of four bits, none by more than half a step',
  async (type) => {
    const model = syntheticLlama({ architecture: 'llama', type })
    const { weights } = buildLlama(model.gguf, buildOf('q4'))
    const made = (name: string) => weights.find((weight) => weight.name === name)?.make(model.raw) ?? new Uint8Array(0)
    const [q, d, c] = ['q', 'd', 'c'].map((part) => made(`layer0.attn_output.${part}`))
    const steps = new Float32Array(d?.buffer ?? new ArrayBuffer(0))
    const offsets = new Float32Array(c?.buffer ?? new ArrayBuffer(0))
    const values = model.values.get('blk.0.attn_output.weight') ?? new Float64Array(0)
    const [rows, blocks] = [64, 2]
    const worst = values.reduce((most, value, at) => {
      const block = Math.floor(at / 32)
      const offset = offsets[(block % blocks) * rows + Math.floor(block / blocks)] ?? NaN
      const byte = q?.[at >> 1] ?? NaN
      const step = steps[block] ?? NaN
      const stored = step * (((at % 2 === 0 ? byte : byte >> 4) & 15) - 8) + offset
      return Math.max(most, Math.abs(stored - value) / step)
    }, 0)
    expect(worst).toBeLessThan(0.5001)
    expect(worst).toBeGreaterThan(0.4)
  },
)

test.for(operators)(
  'q8 answers as its definition does with each row of weights rounded to 127 steps, by %s',
  async (attention) => {
    const model = syntheticLlama({ architecture: 'llama', type: 'Q4_1', embeddingType: 'Q8_0' })
    const isMatrix = (name: string) => (model.gguf.tensors.get(name)?.shape.length ?? 0) > 1
    const values = new Map(
      [...model.values].map(([name, of]) => [
        name,
        isMatrix(name) ? roundedRows(of, model.gguf.tensors.get(name)) : of,
      ]),
    )
    const logits = await logitsOf(model, buildOf('q8', attention))
    expect(largestDifference(logits, referenceLogits({ ...model, values }, ids).flat())).toBeLessThan(exact)
  },
)

function roundedRows(values: Float64Array, tensor: GgufTensor | undefined): Float64Array {
  const columns = tensor?.shape[0] ?? 0
  return values.map((value, at) => {
    const row = at - (at % columns)
    const step = Math.max(...values.subarray(row, row + columns).map(Math.abs)) / 127
    return Math.round(value / step) * step
  })
}

test.for([{ headType: 'F32' }, {}] as const)(
  'int8 answers as q8 does, whose weights are the same, but for a thousandth: head of its own: %s',
  async (head) => {
    const model = syntheticLlama({ architecture: 'qwen3', type: 'Q8_0', ...head })
    const pieces = [ids.slice(0, 6), ...ids.slice(6).map((id) => [id])]
    const floats = await logitsOf(model, buildOf('q8'), pieces)
    const largest = Math.max(...floats.map(Math.abs))
    for (const on of ['wasm', 'native'] as const) {
      const integers = await logitsOf(model, buildOf('int8'), pieces, on)
      expect(largestDifference(integers, [...floats]) / largest).toBeLessThan(1e-3)
    }
  },
)

test('only the logits that are asked for are worked out', async () => {
  const model = syntheticLlama({ architecture: 'llama' })
  const running = await openLlama(buildLlama(model.gguf, buildOf('fp32')), 'model.data', model.raw)
  const last = await running.run(ids, 3)
  await running.release()
  expect(largestDifference(last, referenceLogits(model, ids).slice(-3).flat())).toBeLessThan(exact)
})

test.for(['fp32', 'q8', 'int8', 'q4', 'q4f16'] as const)(
  'the weights of %s lie where the graph says, in order, at whole pages, and are made as long as it says',
  (dtype) => {
    const { gguf, raw } = syntheticLlama({ architecture: 'qwen2', type: 'Q4_1', headType: 'Q8_0' })
    const model = buildLlama(gguf, buildOf(dtype))
    const places = model.weights.map(({ offset, bytes }) => ({ location: 'model.data', offset, bytes }))
    expect(externalTensors(model.graph)).toEqual(places)
    for (const { offset, bytes, make } of model.weights) {
      expect(offset % 4096).toBe(0)
      expect(make(raw)).toHaveLength(bytes)
    }
    const ends = model.weights.map(({ offset, bytes }) => offset + bytes)
    expect(model.externalBytes).toBe(ends.at(-1))
    expect(model.weights.slice(1).every(({ offset }, index) => offset >= (ends[index] ?? NaN))).toBe(true)
  },
)

test('inputs and outputs are named as the ecosystem names them, and are those of the file', () => {
  const { gguf } = syntheticLlama({ architecture: 'llama' })
  const { graph, inputs, outputs } = buildLlama(gguf, buildOf('q4f16', 'GroupQueryAttention'))
  expect(readGraphSignature(graph, 'it')).toEqual({ inputs, outputs })
  expect(inputs.map(({ name }) => name)).toEqual([
    ...['input_ids', 'attention_mask', 'num_logits_to_keep'],
    ...['past_key_values.0.key', 'past_key_values.0.value', 'past_key_values.1.key', 'past_key_values.1.value'],
  ])
  expect(inputs.at(-1)).toMatchObject({ dtype: 'float16', shape: [1, 2, 'past_sequence_length', 16] })
  expect(outputs[0]).toEqual({ name: 'logits', dtype: 'float32', shape: [1, 'num_logits', vocabulary] })
})

test('the tables of rotation are as long as the context that is wanted, at most that of the model', () => {
  const { gguf } = syntheticLlama({ architecture: 'llama' })
  const bytes = (maxContext?: number) => {
    const build = { ...buildOf('fp32'), ...(maxContext === undefined ? {} : { maxContext }) }
    return buildLlama(gguf, build).weights.find(({ name }) => name === 'cos')?.bytes
  }
  expect([bytes(), bytes(16), bytes(1000)]).toEqual([64 * 8 * 4, 16 * 8 * 4, 64 * 8 * 4])
})
