/** Makes the models that are only large: MatMul and Relu layers of random float32 weights, the same on every machine. */
import { createHash } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { dataType, externalWeight, model, node, rawWeight, value } from '../../../models/onnx-writer.mjs'
import { cacheFolder, exists } from './cache-folder.mjs'

/** @typedef {{ id: string, layers: number, width: number, isSplit: boolean }} SyntheticModel */

/** Counts up with every change to what is made here: the cache keeps each generation apart. */
const generation = 1

/**
 * A model is as large as its id says: layers × width² × 4 bytes. A split one has its weights beside its graph.
 *
 * @type {readonly SyntheticModel[]}
 */
export const syntheticModels = [
  { id: 'synthetic-90mb', layers: 10, width: 1500, isSplit: false },
  { id: 'synthetic-90mb-split', layers: 10, width: 1500, isSplit: true },
  { id: 'synthetic-256mb', layers: 16, width: 2000, isSplit: false },
  { id: 'synthetic-256mb-split', layers: 16, width: 2000, isSplit: true },
]

/** The folder in which the synthetic models lie, packed; nothing of it is in the clone. */
export const syntheticFolder = path.join(cacheFolder(), 'bench', `models-${generation}`)

/**
 * Makes and packs what is not there yet.
 *
 * @param {(line: string) => void} log
 */
export async function ensureSyntheticModels(log) {
  for (const synthetic of syntheticModels) {
    if (await exists(path.join(syntheticFolder, synthetic.id, 'manifest.json'))) continue
    log(`making ${synthetic.id}`)
    await makeModel(synthetic)
  }
}

/** @param {SyntheticModel} synthetic */
async function makeModel(synthetic) {
  // Imported late: it must have been built.
  const { pack } = await import('@edgeward/server/pack')
  const recipe = path.join(syntheticFolder, `.${synthetic.id}.recipe`)
  try {
    await mkdir(recipe, { recursive: true })
    const files = modelFiles(synthetic)
    for (const [name, bytes] of Object.entries(files)) await writeFile(path.join(recipe, name), bytes)
    await writeFile(path.join(recipe, 'recipe.json'), JSON.stringify(recipeOf(synthetic, files)))
    await pack({ recipe, out: syntheticFolder })
  } finally {
    await rm(recipe, { recursive: true, force: true })
  }
}

/**
 * A model's files by name.
 *
 * @param {SyntheticModel} synthetic
 * @returns {Record<string, Buffer>}
 */
export function modelFiles({ id, layers, width, isSplit }) {
  const weights = layerWeights(layers, width)
  const bytes = width * width * 4
  const location = 'model.onnx_data'
  const outputOf = (/** @type {number} */ layer) => (layer === layers - 1 ? 'y' : `x${layer + 1}`)
  const graph = model({
    name: id,
    nodes: weights.flatMap((_, layer) => [
      node('MatMul', [layer === 0 ? 'x' : `x${layer}`, `w${layer}`], [`m${layer}`]),
      node('Relu', [`m${layer}`], [outputOf(layer)]),
    ]),
    inputs: [value('x', dataType.float32, ['batch', width])],
    outputs: [value('y', dataType.float32, ['batch', width])],
    initializers: weights.map((raw, layer) =>
      isSplit
        ? externalWeight(`w${layer}`, [width, width], { location, offset: layer * bytes, length: bytes })
        : rawWeight(`w${layer}`, [width, width], raw),
    ),
  })
  return { 'model.onnx': graph, ...(isSplit && { [location]: Buffer.concat(weights) }) }
}

/**
 * Uniform numbers, so spread that a Relu network keeps their size (He et al. 2015): ±√(6 / width). Nothing in them repeats
 * or can be compressed away, except a few bits of the exponents.
 *
 * @param {number} layers @param {number} width
 * @returns {Buffer[]}
 */
function layerWeights(layers, width) {
  const spread = Math.sqrt(6 / width)
  return Array.from({ length: layers }, (_, layer) => {
    const random = uniform(layer + 1)
    const values = Float32Array.from({ length: width * width }, () => random() * spread)
    return Buffer.from(values.buffer)
  })
}

/**
 * Numbers in [-1, 1) that are the same on every machine: the generator "mulberry32".
 *
 * @param {number} seed
 */
function uniform(seed) {
  let state = seed * 0x9e3779b9
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1
  }
}

/** @param {SyntheticModel} synthetic @param {Record<string, Buffer>} files */
function recipeOf({ id, width, isSplit }, files) {
  const entries = Object.entries(files).map(([name, bytes]) => {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return [name, { sha256, sources: [`file:${name}`] }]
  })
  const canary = {
    inputs: { x: { dtype: 'float32', shape: [1, width], fill: 'ramp' } },
    tolerance: { absolute: 0.001, relative: 0.01 },
  }
  const graph = { file: 'model.onnx', ...(isSplit && { externalData: ['model.onnx_data'] }), canary }
  return {
    id,
    task: 'tensors',
    licence: 'Apache-2.0',
    config: {},
    files: Object.fromEntries(entries),
    assets: {},
    variants: [{ dtype: 'fp32', backends: ['wasm'], graphs: { model: graph } }],
  }
}
