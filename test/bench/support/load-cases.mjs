/** The models that are loaded, and from how many visits each measurement is taken. */
import { syntheticModels } from './synthetic-models.mjs'

/** @typedef {'edgeward' | 'unverified' | 'transformers' | 'bare'} Side */

/**
 * A model to load, and what is asked of it. The page gets all of it.
 *
 * @typedef {object} LoadCase
 * @property {string} name as the table says it
 * @property {string} model its id
 * @property {string} folder where the server has it
 * @property {string} file its graph
 * @property {boolean} isSplit whether its weights lie in `<file>_data`
 * @property {number} weightsBytes
 * @property {{ kind: 'embedding' } | { kind: 'run', width: number }} request
 * @property {number} rounds visits with a link as fast as the machine: a cold one and a warm one of each side
 * @property {number} throttledRounds cold visits over the throttled link
 * @property {readonly Side[]} sides
 */

/** @type {readonly Side[]} */
const compared = ['edgeward', 'transformers', 'bare']

/** @type {LoadCase} */
const miniLm = {
  name: 'MiniLM q8',
  model: 'all-minilm-l6-v2',
  folder: '/models/',
  file: 'model_q8.onnx',
  isSplit: false,
  weightsBytes: 22_928_619,
  request: { kind: 'embedding' },
  rounds: 7,
  throttledRounds: 3,
  sides: [...compared, 'unverified'],
}

/** Next to nothing: what a renderer needs all the same. @type {LoadCase} */
export const tinyCase = {
  name: 'a model of 1 kB',
  model: 'tiny-mlp',
  folder: '/models/',
  file: 'model.onnx',
  isSplit: false,
  weightsBytes: 847,
  request: { kind: 'run', width: 4 },
  rounds: 2,
  throttledRounds: 0,
  sides: compared,
}

/** @type {readonly LoadCase[]} */
export const loadCases = [
  miniLm,
  ...syntheticModels.map((synthetic) => {
    const { id, layers, width, isSplit } = synthetic
    const weightsBytes = layers * width ** 2 * 4
    return {
      name: `${weightsBytes / 1e6} MB, ${isSplit ? 'graph and weights apart' : 'one file'}`,
      model: id,
      folder: '/synthetic/',
      file: 'model.onnx',
      isSplit,
      weightsBytes,
      request: /** @type {const} */ ({ kind: 'run', width }),
      rounds: isSplit ? 4 : 3,
      throttledRounds: id === 'synthetic-90mb-split' ? 2 : 0,
      sides: isSplit ? /** @type {readonly Side[]} */ ([...compared, 'unverified']) : compared,
    }
  }),
]
