/** Both ends of a language model's graph: from tokens to vectors, and from vectors to logits. */
import { int8Linear } from './llama-graph-int8.js'
import { blockLinear8, blocks8, linear, scaledInt8 } from './llama-graph-linear.js'
import type { LlamaGraph } from './llama-graph-weights.js'
import { microsoft } from './onnx-graph.js'
import { blockLength } from './transcode.js'
import { isFourBit } from './weight-layout-blocks.js'
import type { Matrix } from './weight-layout-matrix.js'
import { floatRows, int8Columns, int8Rows, int8Scales } from './weight-layout.js'

/** Adds the layer from a token's vector, [1, tokens, width], to its logits; returns `output`. */
export type Head = (x: string, output: string) => string

/**
 * Adds the embedding: `x0`, [1, tokens, width], out of `input_ids`.
 *
 * @returns The head; it has the embedding's weights where the GGUF has none for it.
 */
export function embedding(graph: LlamaGraph): Head {
  const { vocabulary, width } = graph.shape
  const matrix = graph.matrix(width, { name: 'token_embd.weight', rows: vocabulary })
  const isTied = !graph.has('output.weight')
  const own = isTied ? undefined : graph.matrix(width, { name: 'output.weight', rows: vocabulary })
  switch (graph.build.dtype) {
    case 'fp32':
      return floatEnds(graph, matrix, own)
    case 'q8':
      return scaledEnds(graph, matrix, own)
    case 'int8':
      return int8Ends(graph, matrix, own)
    case 'q4':
    case 'q4f16':
      return blockEnds(graph, matrix, own)
  }
}

function floatEnds(graph: LlamaGraph, matrix: Matrix, own: Matrix | undefined): Head {
  const weight = (name: string, { rows, columns }: Matrix, of: Matrix) =>
    graph.weight(name, 'float32', [rows, columns], floatRows(of, 'float32'))
  const vectors = weight('embedding', matrix, matrix)
  graph.onnx.node('Gather', [vectors, 'input_ids'], 'x0')
  const rows = own ? weight('head', own, own) : vectors
  return (x, output) => productOfRows(graph, x, rows, output)
}

function scaledEnds(graph: LlamaGraph, matrix: Matrix, own: Matrix | undefined): Head {
  const [values, scales] = int8ByRows(graph, 'embedding', matrix)
  gatherInt8(graph, values, scales)
  return (x, output) => {
    const [headValues, headScales] = own ? int8ByRows(graph, 'head', own) : [values, scales]
    const column = graph.onnx.node('Unsqueeze', [headScales, last(graph)], 'head.column')
    return productOfRows(graph, x, scaledInt8(graph, 'head', headValues, column), output)
  }
}

/** A tied embedding is stored once, as the head wants it: a token's vector is gathered across its rows. */
function int8Ends(graph: LlamaGraph, matrix: Matrix, own: Matrix | undefined): Head {
  const head = own ?? matrix
  const name = own ? 'head' : 'embedding'
  const columns = graph.weight(`${name}.q`, 'int8', [head.columns, head.rows], int8Columns(head))
  const scales = graph.weight(`${name}.s`, 'float32', [head.rows], int8Scales(head))
  if (own) gatherInt8(graph, ...int8ByRows(graph, 'embedding', matrix))
  else {
    graph.onnx.node('Gather', [columns, 'input_ids'], 'x0.columns', { axis: 1 })
    graph.onnx.node('Transpose', ['x0.columns'], 'x0.values', { perm: [1, 2, 0] })
    scaleVectors(graph, scales)
  }
  return (x, output) => int8Linear(graph, x, columns, scales, output)
}

/** Eight bits a weight, for both ends: exact where the GGUF has Q8_0. */
function blockEnds(graph: LlamaGraph, matrix: Matrix, own: Matrix | undefined): Head {
  const [values, scales] = blocks8(graph, 'embedding', matrix)
  const attributes = { bits: 8, block_size: blockLength, gather_axis: 0, quantize_axis: 1 }
  graph.onnx.node('GatherBlockQuantized', [values, 'input_ids', scales], 'x0', attributes, microsoft)
  return (x, output) => {
    if (own && isFourBit(own)) return linear(graph, x, { name: 'head', matrix: own }, output)
    return blockLinear8(graph, x, own ? blocks8(graph, 'head', own) : [values, scales], matrix, output)
  }
}

function int8ByRows(graph: LlamaGraph, name: string, matrix: Matrix): readonly [values: string, scales: string] {
  return [
    graph.weight(`${name}.q`, 'int8', [matrix.rows, matrix.columns], int8Rows(matrix)),
    graph.weight(`${name}.s`, 'float32', [matrix.rows], int8Scales(matrix)),
  ]
}

function gatherInt8(graph: LlamaGraph, values: string, scales: string): void {
  graph.onnx.node('Gather', [values, 'input_ids'], 'x0.values')
  scaleVectors(graph, scales)
}

function scaleVectors(graph: LlamaGraph, scales: string): void {
  const { onnx } = graph
  onnx.node('Cast', ['x0.values'], 'x0.float', { to: 1 })
  onnx.node('Gather', [scales, 'input_ids'], 'x0.scales')
  onnx.node('Unsqueeze', ['x0.scales', last(graph)], 'x0.scale')
  onnx.node('Mul', ['x0.float', 'x0.scale'], 'x0')
}

/** `MatMul` would want the weights transposed; `Gemm` takes them as they are, of two dimensions. */
function productOfRows({ onnx }: LlamaGraph, x: string, rows: string, output: string): string {
  const batch = onnx.constant('first', 'int64', [1], [0])
  onnx.node('Squeeze', [x, batch], `${output}.x`)
  onnx.node('Gemm', [`${output}.x`, rows], `${output}.rows`, { transB: 1 })
  return onnx.node('Unsqueeze', [`${output}.rows`, batch], output)
}

function last({ onnx }: LlamaGraph): string {
  return onnx.constant('last', 'int64', [1], [-1])
}
