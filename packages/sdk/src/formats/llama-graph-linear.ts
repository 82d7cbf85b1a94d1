/** Linear layers of a language model's graph, by how their weights are stored. */
import { unsupported } from './llama-graph-shape.js'
import { int8Linear } from './llama-graph-int8.js'
import type { LlamaGraph } from './llama-graph-weights.js'
import { microsoft } from './onnx-graph.js'
import { blockLength } from './transcode.js'
import { blocksOf4, blocksOf8, isCentred } from './weight-layout-blocks.js'
import type { Matrix } from './weight-layout-matrix.js'
import { floatColumns, int8Columns, int8Scales } from './weight-layout.js'

/** y = x · Wᵀ + b. */
export interface LinearLayer {
  /** Of its weights, in the graph. */
  readonly name: string
  /** W: a row for each element of y. */
  readonly matrix: Matrix
  readonly bias?: Matrix
}

/** Adds a linear layer of `x`, [1, tokens, columns], in the build's dtype; returns `output`, [1, tokens, rows]. */
export function linear(graph: LlamaGraph, x: string, layer: LinearLayer, output: string): string {
  const { name, bias } = layer
  if (!bias) return product(graph, x, layer, output)
  const multiplied = product(graph, x, layer, `${output}.product`)
  return graph.onnx.node('Add', [multiplied, graph.vector(`${name}.bias`, bias)], output)
}

function product(graph: LlamaGraph, x: string, { name, matrix }: LinearLayer, output: string): string {
  const { onnx } = graph
  const shape = [matrix.columns, matrix.rows]
  switch (graph.build.dtype) {
    case 'fp32':
      return onnx.node('MatMul', [x, graph.weight(name, 'float32', shape, floatColumns(matrix))], output)
    case 'q8': {
      const values = graph.weight(`${name}.q`, 'int8', shape, int8Columns(matrix))
      const scales = graph.weight(`${name}.s`, 'float32', [matrix.rows], int8Scales(matrix))
      return onnx.node('MatMul', [x, scaledInt8(graph, name, values, scales)], output)
    }
    case 'int8': {
      const values = graph.weight(`${name}.q`, 'int8', shape, int8Columns(matrix))
      const scales = graph.weight(`${name}.s`, 'float32', [matrix.rows], int8Scales(matrix))
      return int8Linear(graph, x, values, scales, output)
    }
    case 'q4':
    case 'q4f16':
      return blockLinear4(graph, x, { name, matrix }, output)
  }
}

/** Int8 made float out of constants, which a runtime works out once, when it loads. */
export function scaledInt8({ onnx }: LlamaGraph, name: string, values: string, scales: string): string {
  const float = onnx.node('Cast', [values], `${name}.float`, { to: 1 })
  return onnx.node('Mul', [float, scales], `${name}.scaled`)
}

/**
 * Four bits with the zero at 8, which WebGPU has a kernel for, and the rest of what a block is off as a product of the sums of
 * blocks of x: w = d·(q − 8) + (m + 8·d).
 */
function blockLinear4(graph: LlamaGraph, x: string, { name, matrix }: LinearLayer, output: string): string {
  const { onnx, float } = graph
  const { columns, rows } = matrix
  const blocks = blocksOfRow(matrix)
  const layout = blocksOf4(matrix, float)
  const values = graph.weight(`${name}.q`, 'uint8', [rows, blocks, blockLength / 2], layout.values)
  const scales = graph.weight(`${name}.d`, float, [rows * blocks], layout.scales)
  const attributes = { K: columns, N: rows, bits: 4, block_size: blockLength, accuracy_level: 0 }
  if (isCentred(matrix)) return onnx.node('MatMulNBits', [x, values, scales], output, attributes, microsoft)
  const offsets = graph.weight(`${name}.c`, float, [blocks, rows], layout.offsets)
  const shape = onnx.constant(`blocks${blocks}`, 'int64', [4], [0, 0, blocks, blockLength])
  onnx.node('Reshape', [x, shape], `${output}.x`)
  onnx.node('ReduceSum', [`${output}.x`, onnx.constant('last', 'int64', [1], [-1])], `${output}.sums`, { keepdims: 0 })
  onnx.node('MatMulNBits', [x, values, scales], `${output}.centred`, attributes, microsoft)
  onnx.node('MatMul', [`${output}.sums`, offsets], `${output}.offset`)
  return onnx.node('Add', [`${output}.centred`, `${output}.offset`], output)
}

/** The weights of a layer in blocks of eight bits: [rows, columns], and their scales, [rows, blocks of a row]. */
export function blocks8(graph: LlamaGraph, name: string, matrix: Matrix): readonly [values: string, scales: string] {
  const layout = blocksOf8(matrix, graph.float)
  return [
    graph.weight(`${name}.q`, 'uint8', [matrix.rows, matrix.columns], layout.values),
    graph.weight(`${name}.d`, graph.float, [matrix.rows, blocksOfRow(matrix)], layout.scales),
  ]
}

/** Adds a linear layer of eight bits. */
export function blockLinear8(
  { onnx }: LlamaGraph,
  x: string,
  [values, scales]: readonly [values: string, scales: string],
  { rows, columns }: Matrix,
  output: string,
): string {
  const blocks = columns / blockLength
  onnx.node(
    'Reshape',
    [values, onnx.constant(`${values}.shape`, 'int64', [3], [rows, blocks, blockLength])],
    `${values}.blocks`,
  )
  onnx.node('Reshape', [scales, onnx.constant('flat', 'int64', [1], [-1])], `${scales}.flat`)
  const attributes = { K: columns, N: rows, bits: 8, block_size: blockLength, accuracy_level: 0 }
  return onnx.node('MatMulNBits', [x, `${values}.blocks`, `${scales}.flat`], output, attributes, microsoft)
}

function blocksOfRow({ columns }: Matrix): number {
  if (columns % blockLength === 0) return columns / blockLength
  throw unsupported(`rows of ${columns} weights`, `rows of a multiple of ${blockLength}, in blocks of four bits`)
}
