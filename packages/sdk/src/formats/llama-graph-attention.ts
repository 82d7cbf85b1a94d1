/** The attention of a language model's graph, with rotary positions and a KV cache. */
import type { LlamaGraph } from './llama-graph-weights.js'
import { microsoft } from './onnx-graph.js'
import { valuesOf, type RawTensor } from './weight-layout-matrix.js'
import { rotationTable } from './weight-layout.js'

/** Adds what all layers share: lengths out of `attention_mask` and `input_ids`, and the tables of rotation. */
export function prepareAttention(graph: LlamaGraph): void {
  const { onnx, shape, build, float } = graph
  const axis1 = onnx.constant('second', 'int64', [1], [1])
  onnx.node('Shape', ['attention_mask'], 'mask shape')
  onnx.node('Gather', ['mask shape', axis1], 'total length', { axis: 0 })
  if (build.attention === 'Attention') {
    onnx.node('Shape', ['input_ids'], 'ids shape')
    onnx.node('Gather', ['ids shape', axis1], 'new length', { axis: 0 })
    onnx.node('Sub', ['total length', 'new length'], 'first position')
  } else {
    onnx.node('ReduceSum', ['attention_mask', axis1], 'lengths', { keepdims: 0 })
    onnx.node('Sub', ['lengths', axis1], 'last positions')
    onnx.node('Cast', ['last positions'], 'last positions 32', { to: 6 })
    onnx.node('Squeeze', ['total length'], 'total length scalar')
    onnx.node('Cast', ['total length scalar'], 'total length 32', { to: 6 })
  }
  const positions = Math.min(shape.context, build.maxContext ?? shape.context)
  const rates = ratesOf(graph)
  for (const of of ['cos', 'sin'] as const) {
    graph.weight(of, float, [positions, shape.headSize / 2], rotationTable(of, positions, rates, float))
  }
}

/**
 * Adds one layer's attention.
 *
 * @param qkv [1, tokens, (heads + 2 · kvHeads) · headSize]: queries, keys, values.
 * @returns `output`, [1, tokens, heads · headSize].
 */
export function attention(graph: LlamaGraph, layer: number, qkv: string, output: string): string {
  const past = [`past_key_values.${layer}.key`, `past_key_values.${layer}.value`]
  const outputs = [output, `present.${layer}.key`, `present.${layer}.value`]
  const { heads, kvHeads, headSize } = graph.shape
  const scale = { float: 1 / Math.sqrt(headSize) }
  const { onnx } = graph
  if (graph.build.attention === 'GroupQueryAttention') {
    const inputs = hasNorms(graph, layer) ? split(graph, layer, qkv) : [qkv, '', '']
    const attributes = { num_heads: heads, kv_num_heads: kvHeads, do_rotary: 1, rotary_interleaved: 0, scale }
    const more = ['last positions 32', 'total length 32', 'cos', 'sin']
    return onnx.node('GroupQueryAttention', [...inputs, ...past, ...more], outputs, attributes, microsoft)
  }
  const [query, key, value] = split(graph, layer, qkv)
  const rotated = [query, key].map((name) =>
    onnx.node(
      'RotaryEmbedding',
      [name, 'first position', 'cos', 'sin'],
      `${name}.rotated`,
      { interleaved: 0 },
      microsoft,
    ),
  )
  const attributes = { is_causal: 1, q_num_heads: heads, kv_num_heads: kvHeads, scale }
  return onnx.node('Attention', [...rotated, value, '', ...past], outputs, attributes)
}

/** Queries, keys and values apart, each [1, tokens, its heads · headSize], normalised where the model does that. */
function split(graph: LlamaGraph, layer: number, qkv: string): [query: string, key: string, value: string] {
  const { heads, kvHeads, headSize } = graph.shape
  const sizes = [heads, kvHeads, kvHeads].map((count) => count * headSize)
  const names = ['q', 'k', 'v'].map((name) => `${qkv}.${name}`)
  graph.onnx.node('Split', [qkv, graph.onnx.constant('qkv sizes', 'int64', [3], sizes)], names, { axis: -1 })
  const [query = '', key = '', value = ''] = names
  if (!hasNorms(graph, layer)) return [query, key, value]
  return [headNorm(graph, layer, 'q', query, heads), headNorm(graph, layer, 'k', key, kvHeads), value]
}

function hasNorms(graph: LlamaGraph, layer: number): boolean {
  return graph.has(`blk.${layer}.attn_q_norm.weight`)
}

/** Each head is normalised for itself. */
function headNorm(graph: LlamaGraph, layer: number, of: 'q' | 'k', x: string, heads: number): string {
  const { onnx } = graph
  const { headSize, epsilon } = graph.shape
  const weight = graph.vector(
    `layer${layer}.${of}_norm`,
    graph.matrix('vectors', { name: `blk.${layer}.attn_${of}_norm.weight`, rows: headSize }),
  )
  const apart = onnx.constant(`heads ${heads}`, 'int64', [4], [0, 0, heads, headSize])
  const together = onnx.constant(`joined ${heads}`, 'int64', [3], [0, 0, heads * headSize])
  onnx.node('Reshape', [x, apart], `${x}.heads`)
  const attributes = { epsilon: { float: epsilon }, axis: -1, stash_type: 1 }
  onnx.node('SimplifiedLayerNormalization', [`${x}.heads`, weight], `${x}.normal`, attributes)
  return onnx.node('Reshape', [`${x}.normal`, together], `${x}.joined`)
}

/** How far each pair of elements is rotated from one position to the next, in radians. */
function ratesOf(graph: LlamaGraph): (raw: RawTensor) => readonly number[] {
  const { headSize, ropeBase, ropeFactor } = graph.shape
  const pairs = headSize / 2
  const rates = Array.from({ length: pairs }, (_, pair) => ropeBase ** ((-2 * pair) / headSize) / ropeFactor)
  if (!graph.has('rope_freqs.weight')) return () => rates
  const factors = graph.take('rope_freqs.weight', pairs)
  return (raw) => {
    const divisors = valuesOf(factors, raw)
    return rates.map((rate, pair) => rate / (divisors[pair] ?? 1))
  }
}
