/** Builds the ONNX graph of a GGUF's language model, and says how each of its weights is made from the GGUF's own bytes. */
import type { GgufFile } from './gguf-types.js'
import { attention, prepareAttention } from './llama-graph-attention.js'
import { embedding, type Head } from './llama-graph-embedding.js'
import { linear, type LinearLayer } from './llama-graph-linear.js'
import { readShape } from './llama-graph-shape.js'
import type { LlamaBuild, LlamaModel } from './llama-graph-types.js'
import { LlamaGraph, type GraphPart } from './llama-graph-weights.js'
import { microsoft } from './onnx-graph.js'

/**
 * Builds the graph of a decoder of the Llama family, for one text at a time. No weight is read: each is made later, by itself.
 *
 * Inputs: `input_ids` [1, new tokens], `attention_mask` [1, all tokens], `num_logits_to_keep` (of how many of the last tokens the
 * logits are wanted; 0: of all), `past_key_values.N.key` and `.value` [1, kvHeads, past tokens, headSize]. Outputs: `logits`
 * [1, kept tokens, vocabulary], always of float32, and `present.N.key` and `.value`, which are the next run's past.
 *
 * Blocks of four bits are those of Q4_0, Q4_1 and Q4_K exactly; weights of other types are rounded to such blocks. The embedding, and
 * a head whose weights are of another type, get eight bits: exact for Q8_0.
 *
 * @throws {EdgewardError} `MODEL_UNSUPPORTED` for what cannot be built: other architectures than llama, qwen2 and qwen3, experts,
 * scaled positions of other kinds than Llama 3's; `MANIFEST_INVALID` where the GGUF contradicts itself.
 */
export function buildLlama(gguf: GgufFile, build: LlamaBuild): LlamaModel {
  const graph = new LlamaGraph(gguf, readShape(gguf), build)
  const { onnx, shape } = graph
  declareInputs(graph)
  prepareAttention(graph)
  const head = embedding(graph)
  let stream: Stream = { sum: 'x0' }
  for (let layer = 0; layer < shape.layers; layer += 1) stream = block(graph, layer, stream)
  addLogits(graph, stream, head)
  graph.expectAllTaken()
  return {
    graph: onnx.toModel({ '': build.attention === 'Attention' ? 23 : 21, [microsoft]: 1 }),
    weights: graph.weights,
    externalBytes: onnx.externalBytes,
    inputs: onnx.inputs,
    outputs: onnx.outputs,
  }
}

/** What goes from block to block: a sum, and what is to be added to it, which the next normalisation does. */
interface Stream {
  readonly sum: string
  readonly addend?: string
}

function declareInputs({ onnx, shape, float }: LlamaGraph): void {
  const { layers, kvHeads, headSize } = shape
  onnx.input('input_ids', 'int64', [1, 'sequence_length'])
  onnx.input('attention_mask', 'int64', [1, 'total_sequence_length'])
  onnx.input('num_logits_to_keep', 'int64', [])
  onnx.output('logits', 'float32', [1, 'num_logits', shape.vocabulary])
  for (let layer = 0; layer < layers; layer += 1) {
    for (const of of ['key', 'value']) {
      onnx.input(`past_key_values.${layer}.${of}`, float, [1, kvHeads, 'past_sequence_length', headSize])
      onnx.output(`present.${layer}.${of}`, float, [1, kvHeads, 'total_sequence_length', headSize])
    }
  }
}

/** Attention, then the gated layer between a wider and the narrower vector; each takes the normalised stream and adds to it. */
function block(graph: LlamaGraph, layer: number, stream: Stream): Stream {
  const { onnx, shape } = graph
  const { width, heads, headSize, feedForward } = shape
  const name = (part: string) => `layer${layer}.${part}`
  const tensor = (part: string) => `blk.${layer}.${part}`

  const [attended, sum] = normalise(graph, tensor('attn_norm'), name('attn_norm'), stream)
  const qkv = linear(graph, attended, qkvLayer(graph, layer), name('qkv'))
  const heard = attention(graph, layer, qkv, name('heard'))
  const output = layerOf(graph, name('attn_output'), heads * headSize, { name: tensor('attn_output'), rows: width })
  const addend = linear(graph, heard, output, name('attended'))

  const [normal, next] = normalise(graph, tensor('ffn_norm'), name('ffn_norm'), { sum, addend })
  const wide = [tensor('ffn_gate'), tensor('ffn_up')].map((part) => ({ name: part, rows: feedForward }))
  linear(graph, normal, layerOf(graph, name('ffn_gate_up'), width, ...wide), name('gate_up'))
  onnx.node('Split', [name('gate_up')], [name('gate'), name('up')], { axis: -1, num_outputs: 2 })
  onnx.node('Mul', [silu(graph, name('gate')), name('up')], name('wide'))
  const down = layerOf(graph, name('ffn_down'), feedForward, { name: tensor('ffn_down'), rows: width })
  return { sum: next, addend: linear(graph, name('wide'), down, name('narrow')) }
}

function qkvLayer(graph: LlamaGraph, layer: number): LinearLayer {
  const { architecture, width, heads, kvHeads, headSize } = graph.shape
  // llama.cpp's converter reorders these rows for this architecture alone (`convert_hf_to_gguf.py`, `LlamaModel.permute`).
  const pairedHead = architecture === 'llama' ? headSize : undefined
  const tensor = (part: string) => `blk.${layer}.${part}`
  return layerOf(
    graph,
    `layer${layer}.attn_qkv`,
    width,
    { name: tensor('attn_q'), rows: heads * headSize, pairedHead },
    { name: tensor('attn_k'), rows: kvHeads * headSize, pairedHead },
    { name: tensor('attn_v'), rows: kvHeads * headSize },
  )
}

/** A linear layer whose rows, and biases where there are any, are those of several, by the names of their tensors. */
function layerOf(graph: LlamaGraph, name: string, columns: number, ...layers: readonly GraphPart[]): LinearLayer {
  const parts = (of: 'weight' | 'bias') => layers.map((layer) => ({ ...layer, name: `${layer.name}.${of}` }))
  const matrix = graph.matrix(columns, ...parts('weight'))
  const hasBias = parts('bias').some((part) => graph.has(part.name))
  return hasBias ? { name, matrix, bias: graph.matrix('vectors', ...parts('bias')) } : { name, matrix }
}

/** @returns The normalised vector, and the sum so far. */
function normalise(graph: LlamaGraph, tensor: string, name: string, { sum, addend }: Stream): [string, string] {
  const { onnx, shape } = graph
  const weight = graph.vector(
    `${name}.weight`,
    graph.matrix('vectors', { name: `${tensor}.weight`, rows: shape.width }),
  )
  const epsilon = { float: shape.epsilon }
  if (addend === undefined) {
    const attributes = { epsilon, axis: -1, stash_type: 1 }
    return [onnx.node('SimplifiedLayerNormalization', [sum, weight], name, attributes), sum]
  }
  const outputs = [name, '', '', `${name}.sum`]
  onnx.node('SkipSimplifiedLayerNormalization', [sum, addend, weight], outputs, { epsilon }, microsoft)
  return [name, `${name}.sum`]
}

/** x · sigmoid(x): in one operator where there is one of float32. */
function silu({ onnx, float }: LlamaGraph, x: string): string {
  if (float === 'float32') return onnx.node('QuickGelu', [x], `${x}.silu`, { alpha: { float: 1 } }, microsoft)
  onnx.node('Sigmoid', [x], `${x}.sigmoid`)
  return onnx.node('Mul', [x, `${x}.sigmoid`], `${x}.silu`)
}

/** Only for the last tokens, as many as are asked for. */
function addLogits(graph: LlamaGraph, { sum, addend }: Stream, head: Head): void {
  const { onnx, float } = graph
  const flat = onnx.constant('flat', 'int64', [1], [-1])
  const end = onnx.constant('end', 'int64', [1], [Number.MAX_SAFE_INTEGER])
  const all = addend === undefined ? sum : onnx.node('Add', [sum, addend], 'x')
  onnx.node('Neg', ['num_logits_to_keep'], 'minus kept')
  onnx.node('Reshape', ['minus kept', flat], 'first kept')
  onnx.node('Slice', [all, 'first kept', end, onnx.constant('second', 'int64', [1], [1])], 'kept')
  const [normal] = normalise(graph, 'output_norm', 'output_norm', { sum: 'kept' })
  if (float === 'float32') head(normal, 'logits')
  else onnx.node('Cast', [head(normal, 'logits 16')], 'logits', { to: 1 })
}
