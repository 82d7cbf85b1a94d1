/** What a language model's graph takes and gives at each step, as exporters and Edgeward's own builder name it. */
import type { LanguageModelConfig, Tensor, TensorMap, TensorOf, TensorSpec } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { float16Value } from '../shared/index.js'

/** All of them of int64. */
const stepInputs = ['input_ids', 'attention_mask', 'position_ids', 'num_logits_to_keep'] as const

type StepInput = (typeof stepInputs)[number]

type FloatDtype = 'float32' | 'float16'

export interface KvGraph {
  readonly config: LanguageModelConfig
  /** Which inputs it has beside the cache. */
  readonly own: readonly { readonly name: StepInput; readonly rank: number }[]
  /** The cache's inputs, and in the same order its outputs. */
  readonly past: readonly string[]
  readonly present: readonly string[]
  readonly cacheDtype: FloatDtype
  /** Whether logits come only of as many of the last tokens as are asked for. */
  readonly keepsLogits: boolean
  /** Then past and present may be one buffer. */
  readonly hasGroupQueryAttention: boolean
}

/** @throws EdgewardError MODEL_UNSUPPORTED when the graph takes or gives something else */
export function readKvGraph(
  config: LanguageModelConfig,
  inputs: readonly TensorSpec[],
  outputs: readonly TensorSpec[],
  hasGroupQueryAttention = false,
): KvGraph {
  const past = inputs.filter(({ name }) => name.startsWith('past_key_values.'))
  const own = inputs
    .filter((input) => !past.includes(input))
    .map(({ name, shape }) => ({ name: stepInputNamed(name), rank: shape.length }))
  const present = past.map(({ name }) => name.replace('past_key_values', 'present'))
  const missing = ['logits', ...present].find((name) => !outputs.some((output) => output.name === name))
  if (missing !== undefined) throw unsupported(`has no output "${missing}"`)
  if (!own.some(({ name }) => name === 'input_ids')) throw unsupported('has no input "input_ids"')
  const dtypes = new Set(past.map(({ dtype }) => dtype))
  const [cacheDtype] = dtypes
  if (dtypes.size !== 1 || (cacheDtype !== 'float32' && cacheDtype !== 'float16')) {
    throw unsupported(
      'must have KV-cache inputs "past_key_values.N.key" and ".value", all of float32 or all of float16',
    )
  }
  const keepsLogits = own.some(({ name }) => name === 'num_logits_to_keep')
  return { config, own, past: past.map(({ name }) => name), present, cacheDtype, keepsLogits, hasGroupQueryAttention }
}

/** What is larger has weights in it, and is not searched: graphs alone have a few megabytes. */
const mostGraphBytes = 32 * 1024 ** 2

/** Whether a graph has nodes of an operator, whose name stands in it as it is. */
export function hasOperator(model: Uint8Array, operator: string): boolean {
  return model.byteLength <= mostGraphBytes && new TextDecoder('latin1').decode(model).includes(operator)
}

/** The shape of each of the cache's tensors. */
export function cacheShape({ config }: KvGraph, length: number): readonly [1, number, number, number] {
  return [1, config.kvHeads, length, config.headSize]
}

/** How many bytes one of the cache's tensors has. */
export function cacheBytes(graph: KvGraph, length: number): number {
  const { kvHeads, headSize } = graph.config
  return kvHeads * length * headSize * (graph.cacheDtype === 'float16' ? 2 : 4)
}

/** What is fed beside the cache, for `ids` that follow `past` tokens. */
export function ownInputs(
  graph: KvGraph,
  ids: readonly number[],
  past: number,
  keep: number,
): ReadonlyMap<string, TensorOf<'int64'>> {
  const total = past + ids.length
  const row = (length: number, at: (index: number) => bigint): TensorOf<'int64'> => {
    return { dtype: 'int64', shape: [1, length], data: BigInt64Array.from({ length }, (_, index) => at(index)) }
  }
  const make = (name: StepInput, rank: number): TensorOf<'int64'> => {
    switch (name) {
      case 'input_ids':
        return row(ids.length, (index) => BigInt(ids[index] ?? 0))
      case 'attention_mask':
        return { dtype: 'int64', shape: [1, total], data: new BigInt64Array(total).fill(1n) }
      case 'position_ids':
        return row(ids.length, (index) => BigInt(past + index))
      case 'num_logits_to_keep':
        return { dtype: 'int64', shape: rank === 0 ? [] : [1], data: BigInt64Array.of(BigInt(keep)) }
    }
  }
  return new Map(graph.own.map(({ name, rank }) => [name, make(name, rank)]))
}

/**
 * The last `keep` rows of what the graph gave as logits.
 *
 * @throws EdgewardError OUTPUT_INVALID when they have another shape, or are no numbers
 */
export function lastLogits(graph: KvGraph, { dtype, shape, data }: Tensor, fed: number, keep: number): Float32Array {
  const rows = graph.keepsLogits ? keep : fed
  const { vocabularySize } = graph.config
  const expected = [1, rows, vocabularySize]
  if (shape.length !== 3 || expected.some((length, axis) => shape[axis] !== length)) {
    throw invalid(`must have the shape [${expected.join(', ')}], and has [${shape.join(', ')}]`)
  }
  if (dtype !== 'float32' && dtype !== 'float16') throw invalid(`must be float32 or float16, and is ${dtype}`)
  const last = data.subarray((rows - keep) * vocabularySize, rows * vocabularySize)
  const logits = last instanceof Float32Array ? last : Float32Array.from(last, float16Value)
  // A sixth of the time of a loop, on every token.
  if (logits.includes(NaN)) throw invalid('is NaN')
  return logits
}

/** What is looked at before a step is believed. */
export function shown(logits: Float32Array): TensorMap {
  return { logits: { dtype: 'float32', shape: [logits.length], data: logits } }
}

function stepInputNamed(name: string): StepInput {
  const found = stepInputs.find((known) => known === name)
  if (found === undefined) throw unsupported(`has an input "${name}", which Edgeward does not know how to feed`)
  return found
}

function unsupported(problem: string): EdgewardError {
  const message = `A language model's graph takes ${stepInputs.join(', ')} and past_key_values.N.key|value, and gives logits and present.N.key|value; this one ${problem}.`
  return new EdgewardError('MODEL_UNSUPPORTED', message)
}

function invalid(problem: string): EdgewardError {
  const message = `The output "logits" ${problem}.`
  return new EdgewardError('OUTPUT_INVALID', message, { details: { output: 'logits' } })
}
