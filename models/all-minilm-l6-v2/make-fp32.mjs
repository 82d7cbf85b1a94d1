// @ts-check
/**
 * Makes `fp32.onnx`: the graph of the fp32 model, from which canaries are made. Its weights stay in the published
 * `model.safetensors`, where ONNX Runtime reads them as external data. Run: node models/all-minilm-l6-v2/make-fp32.mjs
 *
 * The layers are those of BertModel in Hugging Face's Transformers, with the settings of the model's config.json.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { dataType, externalWeight, model, node, rawWeight, value, weight } from '../onnx-writer.mjs'

const width = 384
const layers = 6
const heads = 12
const inner = 1536

/**
 * Where the float32 weights begin: after the length of the header (8 bytes), the header (11,408) and `position_ids`
 * (4,096). They lie in the order of their names.
 */
const firstOffset = 8 + 11_408 + 4_096

/** @returns {Buffer} */
export function makeModel() {
  const graph = new GraphWriter()
  const embedded = graph.normalised(embeddings(graph), 'embeddings.LayerNorm')
  const mask = attentionMask(graph)
  const last = Array.from({ length: layers }, (_, layer) => `encoder.layer.${layer}.`).reduce(
    (hidden, layer) => encoderLayer(graph, layer, hidden, mask),
    embedded,
  )
  const ids = ['input_ids', 'attention_mask', 'token_type_ids']
  return model({
    name: 'all-minilm-l6-v2',
    nodes: [...graph.nodes, node('Identity', [last], ['last_hidden_state'])],
    initializers: graph.initializers,
    inputs: ids.map((name) => value(name, dataType.int64, ['batch', 'sequence'])),
    outputs: [value('last_hidden_state', dataType.float32, ['batch', 'sequence', width])],
  })
}

/** @param {GraphWriter} graph */
function embeddings(graph) {
  const words = graph.add('Gather', [graph.stored('embeddings.word_embeddings.weight'), 'input_ids'])
  const types = graph.add('Gather', [graph.stored('embeddings.token_type_embeddings.weight'), 'token_type_ids'])
  const length = graph.add('Shape', ['input_ids'], { start: 1, end: 2 })
  const zero = graph.integers('zero', [0])
  const table = graph.stored('embeddings.position_embeddings.weight')
  const positions = graph.add('Slice', [table, zero, length, zero])
  return graph.add('Add', [graph.add('Add', [words, types]), positions])
}

/** Adds nothing to the scores of what is attended to, and takes nearly everything from the others. @param {GraphWriter} graph */
function attentionMask(graph) {
  const mask = graph.add('Cast', ['attention_mask'], { to: dataType.float32 })
  const hidden = graph.add('Sub', [graph.scalar('one', 1), mask])
  const scores = graph.add('Mul', [hidden, graph.scalar('lowest', -3.4e38)])
  return graph.add('Unsqueeze', [scores, graph.integers('axes', [1, 2])])
}

/** @param {GraphWriter} graph @param {string} layer @param {string} hidden @param {string} mask */
function encoderLayer(graph, layer, hidden, mask) {
  const dense = (/** @type {string} */ input, /** @type {string} */ name) => graph.dense(input, `${layer}${name}`)
  const split = (/** @type {string} */ name, /** @type {number[]} */ perm) => {
    const shape = graph.integers('split', [0, 0, heads, width / heads])
    return graph.add('Transpose', [graph.add('Reshape', [dense(hidden, `attention.self.${name}`), shape])], { perm })
  }
  const products = graph.add('MatMul', [split('query', [0, 2, 1, 3]), split('key', [0, 2, 3, 1])])
  const scaled = graph.add('Mul', [products, graph.scalar('scale', 1 / Math.sqrt(width / heads))])
  const shares = graph.add('Softmax', [graph.add('Add', [scaled, mask])])
  const attended = graph.add('Transpose', [graph.add('MatMul', [shares, split('value', [0, 2, 1, 3])])], {
    perm: [0, 2, 1, 3],
  })
  const joined = graph.add('Reshape', [attended, graph.integers('join', [0, 0, width])])
  const attention = graph.add('Add', [dense(joined, 'attention.output.dense'), hidden])
  const between = graph.normalised(attention, `${layer}attention.output.LayerNorm`)
  const fed = dense(gelu(graph, dense(between, 'intermediate.dense')), 'output.dense')
  return graph.normalised(graph.add('Add', [fed, between]), `${layer}output.LayerNorm`)
}

/** x / 2 × (1 + erf(x / √2)). @param {GraphWriter} graph @param {string} input */
function gelu(graph, input) {
  const erf = graph.add('Erf', [graph.add('Mul', [input, graph.scalar('rootHalf', Math.SQRT1_2)])])
  const share = graph.add('Mul', [graph.add('Add', [erf, graph.scalar('one', 1)]), graph.scalar('half', 0.5)])
  return graph.add('Mul', [input, share])
}

/** Collects nodes and initialisers; every method gives the name of what it added. */
class GraphWriter {
  /** @type {Buffer[]} */
  nodes = []
  /** @type {Map<string, Buffer>} */
  #initializers = new Map()
  #places = weightPlaces()

  get initializers() {
    return [...this.#initializers.values()]
  }

  /** @param {string} operator @param {string[]} inputs @param {Record<string, number | number[]>} [attributes] */
  add(operator, inputs, attributes) {
    const output = `${operator}_${this.nodes.length}`
    this.nodes.push(node(operator, inputs, [output], attributes))
    return output
  }

  /** A weight of the file. @param {string} name */
  stored(name) {
    const place = this.#places.get(name)
    if (place === undefined) throw new Error(`model.safetensors has no ${name}`)
    const { shape, ...bytes } = place
    this.#initializers.set(name, externalWeight(name, shape, { location: 'model.safetensors', ...bytes }))
    return name
  }

  /** @param {string} name @param {number} number */
  scalar(name, number) {
    this.#initializers.set(name, weight(name, [], [number]))
    return name
  }

  /** @param {string} name @param {number[]} numbers */
  integers(name, numbers) {
    const raw = Buffer.from(BigInt64Array.from(numbers, BigInt).buffer)
    this.#initializers.set(name, rawWeight(name, [numbers.length], raw, dataType.int64))
    return name
  }

  /** @param {string} input @param {string} name */
  dense(input, name) {
    const transposed = this.add('Transpose', [this.stored(`${name}.weight`)], { perm: [1, 0] })
    return this.add('Add', [this.add('MatMul', [input, transposed]), this.stored(`${name}.bias`)])
  }

  /** @param {string} input @param {string} name */
  normalised(input, name) {
    const inputs = [input, this.stored(`${name}.weight`), this.stored(`${name}.bias`)]
    return this.add('LayerNormalization', inputs, { epsilon: 1e-12 })
  }
}

/** @returns {Map<string, { shape: number[], offset: number, length: number }>} */
function weightPlaces() {
  const sorted = Object.entries(weightShapes()).sort(([a], [b]) => (a < b ? -1 : 1))
  let offset = firstOffset
  return new Map(
    sorted.map(([name, shape]) => {
      const length = 4 * shape.reduce((product, side) => product * side, 1)
      offset += length
      return [name, { shape, offset: offset - length, length }]
    }),
  )
}

/** @returns {Record<string, number[]>} */
function weightShapes() {
  const norm = (/** @type {string} */ name) => ({ [`${name}.weight`]: [width], [`${name}.bias`]: [width] })
  const dense = (/** @type {string} */ name, /** @type {number} */ to, /** @type {number} */ from) => {
    return { [`${name}.weight`]: [to, from], [`${name}.bias`]: [to] }
  }
  const encoder = Array.from({ length: layers }, (_, layer) => `encoder.layer.${layer}`).map((layer) => ({
    ...dense(`${layer}.attention.self.query`, width, width),
    ...dense(`${layer}.attention.self.key`, width, width),
    ...dense(`${layer}.attention.self.value`, width, width),
    ...dense(`${layer}.attention.output.dense`, width, width),
    ...norm(`${layer}.attention.output.LayerNorm`),
    ...dense(`${layer}.intermediate.dense`, inner, width),
    ...dense(`${layer}.output.dense`, width, inner),
    ...norm(`${layer}.output.LayerNorm`),
  }))
  return {
    'embeddings.word_embeddings.weight': [30_522, width],
    'embeddings.position_embeddings.weight': [512, width],
    'embeddings.token_type_embeddings.weight': [2, width],
    ...norm('embeddings.LayerNorm'),
    ...Object.assign({}, ...encoder),
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('fp32.onnx', import.meta.url), makeModel())
}
