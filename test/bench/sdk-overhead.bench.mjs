/** `edge.run` on the device against bare onnxruntime-web in the same kind of worker, build, threads and file. */
import { readFile } from 'node:fs/promises'
import { fromRoot } from '../../scripts/lib/root.mjs'
import { withPage } from './support/page.mjs'
import { median } from './support/statistics.mjs'

/** @typedef {import('./support/report.mjs').Row} Row */
/** @typedef {{ ours: number[], peer: number[] }} Samples */

const peerName = 'bare onnxruntime-web in a worker'
const tiny = 'tiny-mlp'
const miniLm = 'all-minilm-l6-v2'
const mostAddedUs = 100
const mostRatio = 1.03

/**
 * @param {(line: string) => void} log
 * @returns {Promise<Row[]>}
 */
export function run(log) {
  return withPage(async (page) => {
    /** @type {Row[]} */
    const rows = []
    log('small calls')
    const small = await calls(page, tiny, 2000, 200, 0)
    rows.push(toRow(`a call of ${tiny}`, scaled(small, 1000), 'µs', `at most ${mostAddedUs} µs added`, added))
    for (const tokens of [16, 128]) {
      log(`MiniLM, ${tokens} tokens`)
      const samples = await calls(page, miniLm, tokens === 16 ? 60 : 25, 5, tokens)
      rows.push(toRow(`a run of MiniLM q8, ${tokens} tokens`, samples, 'ms', `ratio ≤ ${mostRatio}`, withinRatio))
    }
    for (const isCold of [true, false]) {
      const what = isCold ? 'nothing cached' : 'cached'
      log(`loading MiniLM, ${what}`)
      const samples = await loads(page, isCold)
      rows.push(toRow(`MiniLM q8 to its first output, ${what}`, samples, 'ms', `ratio ≤ ${mostRatio}`, withinRatio))
    }
    return rows
  })
}

/**
 * @param {import('playwright').Page} page
 * @param {string} model
 * @param {number} count
 * @param {number} warmUp
 * @param {number} tokens 0 for the tiny model
 * @returns {Promise<Samples>}
 */
async function calls(page, model, count, warmUp, tokens) {
  return page.evaluate(
    async (given) => {
      const bench = await import(given.script)
      const inputs = () => (given.tokens === 0 ? bench.tinyInputs() : bench.miniLmInputs(given.tokens))
      return bench.compareCalls({ ...given, inputs })
    },
    { script: '/sdk-overhead.js', model, file: await graphFile(model), count, warmUp, tokens },
  )
}

/**
 * @param {import('playwright').Page} page
 * @param {boolean} isCold
 * @returns {Promise<Samples>}
 */
async function loads(page, isCold) {
  return page.evaluate(
    async (given) => {
      const bench = await import(given.script)
      return bench.compareLoads({ ...given, inputs: () => bench.miniLmInputs(16) })
    },
    { script: '/sdk-overhead.js', model: miniLm, file: await graphFile(miniLm), count: 11, isCold },
  )
}

/** @param {string} model */
async function graphFile(model) {
  /** @type {import('edgeward').Manifest} */
  const manifest = JSON.parse(await readFile(fromRoot('.models', model, 'manifest.json'), 'utf8'))
  const graph = manifest.variants[0].graphs['model']
  if (graph === undefined) throw new Error(`${model} has no graph "model"`)
  return graph.file.path
}

/**
 * @param {string} what
 * @param {Samples} samples
 * @param {string} unit
 * @param {string} target
 * @param {(ours: number, peer: number) => boolean} isMet
 * @returns {Row}
 */
function toRow(what, samples, unit, target, isMet) {
  const [ours, peer] = [median(samples.ours), median(samples.peer)]
  return { what, ours, peer, peerName, unit, ratio: ours / peer, target, met: isMet(ours, peer) }
}

/** @param {Samples} samples @param {number} factor @returns {Samples} */
function scaled({ ours, peer }, factor) {
  return { ours: ours.map((value) => value * factor), peer: peer.map((value) => value * factor) }
}

/** @param {number} ours @param {number} peer */
function added(ours, peer) {
  return ours - peer <= mostAddedUs
}

/** @param {number} ours @param {number} peer */
function withinRatio(ours, peer) {
  return ours / peer <= mostRatio
}
