/** Language models of two layers with random weights, in the shapes that graphs come in, and sessions made of them on the page. */
import { onTestFinished } from 'vitest'
import type { Backend, Graph, LanguageModelConfig } from '../../../packages/sdk/src/contract/index.js'
import { OnnxGraph } from '../../../packages/sdk/src/formats/onnx-graph.js'
import { neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { GpuOwner } from '../../../packages/sdk/src/worker/gpu-owner.js'
import { hasOperator } from '../../../packages/sdk/src/worker/kv-graph.js'
import { createOrtLanguageModel, type OrtLanguageModel } from '../../../packages/sdk/src/worker/ort-language-model.js'
import { createGraphSession, type GraphSession } from '../../../packages/sdk/src/worker/ort-session.js'
import { buildFor, startRuntime, type Runtime } from '../../../packages/sdk/src/worker/runtime-build.js'

export const tinyConfig: LanguageModelConfig = {
  architecture: 'llama',
  vocabularySize: 50,
  contextLength: 600,
  layers: 2,
  kvHeads: 2,
  headSize: 16,
  eosTokenIds: [0],
}

const heads = 4
const width = heads * tinyConfig.headSize

interface Built extends Pick<Graph, 'inputs' | 'outputs'> {
  readonly bytes: Uint8Array<ArrayBuffer>
}

export interface TinyGraph {
  readonly attention: 'Attention' | 'GroupQueryAttention'
  readonly cache?: 'float32' | 'float16'
  readonly hasPositions?: boolean
  readonly keepsLogits?: boolean
}

/** Token and position embeddings, attention with a residual in each layer, and a head. */
export function tinyGraph({ attention, cache = 'float32', hasPositions = true, keepsLogits = true }: TinyGraph): Built {
  const graph = new OnnxGraph('')
  const { vocabularySize, contextLength, layers, kvHeads, headSize } = tinyConfig
  graph.input('input_ids', 'int64', [1, 'new'])
  graph.input('attention_mask', 'int64', [1, 'total'])
  if (hasPositions) graph.input('position_ids', 'int64', [1, 'new'])
  if (keepsLogits) graph.input('num_logits_to_keep', 'int64', [])
  let hidden = graph.node('Gather', [random(graph, 'tokens', [vocabularySize, width]), 'input_ids'], 'embedded')
  if (hasPositions) {
    const position = graph.node(
      'Gather',
      [random(graph, 'positions', [contextLength, width]), 'position_ids'],
      'placed',
    )
    hidden = graph.node('Add', [hidden, position], 'embedded_placed')
  }
  const sequence = attention === 'GroupQueryAttention' ? lengths(graph) : []
  for (let layer = 0; layer < layers; layer += 1) {
    const project = (what: string, columns: number) =>
      graph.node('MatMul', [hidden, random(graph, `w_${what}${layer}`, [width, columns])], `${what}${layer}`)
    const qkv = [project('q', width), project('k', kvHeads * headSize), project('v', kvHeads * headSize)]
    const past = ['key', 'value'].map((part) => {
      const name = graph.input(`past_key_values.${layer}.${part}`, cache, [1, kvHeads, 'past', headSize])
      return cache === 'float32' ? name : graph.node('Cast', [name], `${name}/float32`, { to: 1 })
    })
    const present = ['key', 'value'].map((part) => `present.${layer}.${part}`)
    const given = cache === 'float32' ? present : present.map((name) => `${name}/float32`)
    const mixed = `mixed${layer}`
    if (attention === 'Attention') {
      const attributes = { q_num_heads: heads, kv_num_heads: kvHeads, is_causal: 1 }
      graph.node('Attention', [...qkv, '', ...past], [mixed, ...given], attributes)
    } else {
      const attributes = { num_heads: heads, kv_num_heads: kvHeads }
      graph.node(attention, [...qkv, ...past, ...sequence], [mixed, ...given], attributes, 'com.microsoft')
    }
    if (cache === 'float16')
      present.forEach((name, index) => graph.node('Cast', [given[index] ?? ''], name, { to: 10 }))
    for (const name of present) graph.output(name, cache, [1, kvHeads, 'total', headSize])
    const out = graph.node('MatMul', [mixed, random(graph, `w_o${layer}`, [width, width])], `out${layer}`)
    hidden = graph.node('Add', [hidden, out], `hidden${layer}`)
  }
  if (keepsLogits) hidden = lastRows(graph, hidden)
  graph.node('MatMul', [hidden, random(graph, 'head', [width, vocabularySize])], 'logits')
  graph.output('logits', 'float32', [1, 'kept', vocabularySize])
  return { bytes: graph.toModel({ '': 23, 'com.microsoft': 1 }), inputs: graph.inputs, outputs: graph.outputs }
}

/** What GroupQueryAttention asks: the last position of each row, and how many positions there are. */
function lengths(graph: OnnxGraph): string[] {
  const one = graph.constant('one', 'int64', [1], [1])
  const sum = graph.node('ReduceSum', ['attention_mask', one], 'sum', { keepdims: 0 })
  const last = graph.node('Cast', [graph.node('Sub', [sum, one], 'last')], 'last32', { to: 6 })
  const shape = graph.node('Shape', ['attention_mask'], 'mask_shape')
  const total = graph.node('Gather', [shape, graph.constant('axis', 'int64', [], [1])], 'total')
  return [last, graph.node('Cast', [total], 'total32', { to: 6 })]
}

function lastRows(graph: OnnxGraph, hidden: string): string {
  const flat = graph.constant('flat', 'int64', [1], [-1])
  const keep = graph.node('Reshape', ['num_logits_to_keep', flat], 'keep')
  const start = graph.node('Neg', [keep], 'start')
  const end = graph.constant('end', 'int64', [1], [2 ** 31])
  return graph.node('Slice', [hidden, start, end, graph.constant('rows', 'int64', [1], [1])], 'last_rows')
}

/** The same for a name at each call, of about the size that keeps a layer's output as large as its input. */
function random(graph: OnnxGraph, name: string, shape: readonly [number, number]): string {
  let state = new TextEncoder().encode(name).reduce((sum, letter) => (sum * 31 + letter) >>> 0, 7)
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state / 2 ** 32 - 0.5) * 0.6
  }
  return graph.constant(name, 'float32', shape, Array.from({ length: shape[0] * shape[1] }, next))
}

/** A runtime of its own on the page. */
export function startOnPage(backend: Backend, threads = 1): Promise<Runtime> {
  const { name, files } = buildFor(backend, 'Suspending' in WebAssembly)
  const shipped = ({ pathname }: URL) => new URL(`/shipped/ort/${pathname.split('/').at(-1)}`, location.href)
  const own = { script: shipped(files.script), mjs: shipped(files.mjs), wasm: shipped(files.wasm) }
  return startRuntime({ name, files: own }, { threads, attempt: (starts += 1) })
}

/** ONNX Runtime is one for each address of its script. */
let starts = 0

export const tinyTurn = { lane: 'default', model: 'tiny@1', signal: neverAborted() } as const

export interface TinyModel {
  readonly model: OrtLanguageModel
  readonly session: GraphSession
}

/** A language model on a runtime; it and its session are freed when the test ends. */
export async function tinyModel(runtime: Runtime, of: TinyGraph, backend: Backend = 'wasm'): Promise<TinyModel> {
  const { bytes, inputs, outputs } = tinyGraph(of)
  const file = { path: 'tiny.onnx', bytes: bytes.length, sha256: '', chunks: [] }
  const graph: Graph = { file, inputs, outputs }
  const owner = new GpuOwner(() => undefined)
  const gpu = backend === 'webgpu' ? await owner.live() : undefined
  const keptOnGpu = outputs.map(({ name }) => name).filter((name) => name.startsWith('present.'))
  const input = { model: bytes, externalData: [], isReadAgain: false }
  const session = await createGraphSession(input, { runtime, graph, backend, gpu, turn: tinyTurn, keptOnGpu })
  const turnOf = (signal: AbortSignal) => ({ ...tinyTurn, signal })
  const hasGroupQueryAttention = hasOperator(bytes, 'GroupQueryAttention')
  const options = { config: tinyConfig, inputs, outputs, session, backend, turnOf, hasGroupQueryAttention }
  const model = await createOrtLanguageModel(options)
  onTestFinished(async () => {
    await model.dispose()
    await session.release()
    await owner.destroy()
  })
  return { model, session }
}
