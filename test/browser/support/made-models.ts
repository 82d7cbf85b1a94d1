/** Models made for the tests of loading: one larger than any buffer may be, and ones that are loaded in several chunks. */
import { dataType, externalWeight, model, node, value, weight } from '../../../models/onnx-writer.mjs'
import { tinyLlamaGguf } from '../../support/tiny-llama.js'

const tables = { count: 9, rows: 65_536, width: 1_024, location: 'model.onnx_data' } as const

/** `rows` [n] → `y` [n, 1024]: the sum of these rows of all tables. */
function tablesGraph(): Buffer {
  const { count, rows, width, location } = tables
  const names = Array.from({ length: count }, (_, index) => `t${index}`)
  const length = rows * width * 4
  const int64 = 7
  return model({
    name: 'large-tables',
    nodes: [
      ...names.map((name) => node('Gather', [name, 'rows'], [`${name}_rows`])),
      node(
        'Sum',
        names.map((name) => `${name}_rows`),
        ['y'],
      ),
    ],
    inputs: [value('rows', int64, ['n'])],
    outputs: [value('y', dataType.float32, ['n', width])],
    initializers: names.map((name, index) =>
      externalWeight(name, [rows, width], { location, offset: index * length, length }),
    ),
  })
}

/** `x` [batch, 256] → `y` [batch, 256]: two layers whose weights, of 256 KiB each, are in the file itself. */
function layers(): Buffer {
  return squareModel([node('MatMul', ['x', 'a'], ['xa']), node('MatMul', ['xa', 'b'], ['y'])], ['a', 'b'])
}

/** The same, but the second weight is the first one transposed: ONNX Runtime reads it twice while it makes the session. */
function transposed(): Buffer {
  const nodes = [
    node('Transpose', ['a'], ['at']),
    node('MatMul', ['x', 'a'], ['xa']),
    node('MatMul', ['xa', 'at'], ['y']),
  ]
  return squareModel(nodes, ['a'])
}

function squareModel(nodes: Buffer[], weights: readonly string[]): Buffer {
  const side = 256
  const values = Array.from({ length: side * side }, (_, index) => ((index % 13) - 6) / 100)
  return model({
    name: 'square',
    nodes,
    inputs: [value('x', dataType.float32, ['batch', side])],
    outputs: [value('y', dataType.float32, ['batch', side])],
    initializers: weights.map((name) => weight(name, [side, side], values)),
  })
}

/** `x` [batch, 4] → `y` [batch, 3]: one layer, whose weight lies in a file of its own. */
function layerWithData(): Buffer {
  return model({
    name: 'layer-with-data',
    nodes: [node('MatMul', ['x', 'a'], ['y'])],
    inputs: [value('x', dataType.float32, ['batch', 4])],
    outputs: [value('y', dataType.float32, ['batch', 3])],
    initializers: [externalWeight('a', [4, 3], { location: 'model.onnx_data', offset: 0, length: 48 })],
  })
}

/** The models by name, in base64. */
export const madeModels = () => ({
  tables: tablesGraph().toString('base64'),
  layers: layers().toString('base64'),
  transposed: transposed().toString('base64'),
  layerWithData: layerWithData().toString('base64'),
  /** A GGUF. */
  tinyLlama: Buffer.from(tinyLlamaGguf()).toString('base64'),
})
