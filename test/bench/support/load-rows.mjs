/** Makes the rows of the table from the visits. */
import { peers } from './peers.mjs'
import { median, quartiles } from './statistics.mjs'

/** @typedef {import('./report.mjs').Row} Row */
/** @typedef {import('./load-cases.mjs').LoadCase} LoadCase */
/** @typedef {import('./load-cases.mjs').Side} Side */
/** @typedef {import('./load-visits.mjs').Visit} Visit */
/** @typedef {import('./load-visits.mjs').Visits} Visits */

/** @type {Record<Exclude<Side, 'edgeward'>, string>} */
const peerNames = {
  transformers: `Transformers.js ${peers.transformers.version}, its defaults, WASM`,
  bare: 'bare onnxruntime-web',
  unverified: 'Edgeward without hashing',
}

/** @param {LoadCase} loadCase @param {{ cold: Visits, warm: Visits }} visits @returns {Row[]} */
export function loadRows({ name }, { cold, warm }) {
  return [
    ...timeRows(`${name}, first visit`, cold, 0.6),
    ...timeRows(`${name}, second visit, browser restarted`, warm, 0.5),
  ]
}

/**
 * @param {LoadCase} loadCase
 * @param {Visits} visits
 * @param {number} bytesPerSecond
 * @returns {Row[]}
 */
export function throttledRows({ name }, visits, bytesPerSecond) {
  const what = `${name}, first visit over ${(bytesPerSecond * 8) / 1e6} Mbit/s`
  const limits = (visits.edgeward ?? []).map(({ sentBytes }) => (sentBytes / bytesPerSecond) * 1000)
  const atTheLimit = compare(what, 'ms', milliseconds(visits.edgeward), {
    name: 'its bytes ÷ bandwidth',
    samples: limits,
  })
  return [withTarget(atTheLimit, 1.1), withTarget(against('transformers', what, visits), 0.6)]
}

/** Against both peers; the target is the project's own: two, at most, of what its weights take. @param {LoadCase} loadCase @param {Visits} cold @returns {Row[]} */
export function memoryRows({ name, weightsBytes, isSplit }, cold) {
  const factors = (/** @type {Side} */ side) => (cold[side] ?? []).map(({ peakBytes }) => peakBytes / weightsBytes)
  const what = `${name}: peak memory of the renderer`
  const others = /** @type {const} */ (['transformers', 'bare'])
  return others.map((side) => {
    const row = compare(what, '× weights', factors('edgeward'), { name: peerNames[side], samples: factors(side) })
    return isSplit ? { ...row, target: 'at most 2.0 × weights', met: row.ours <= 2 } : row
  })
}

/** Over all visits. @param {readonly Visits[]} visits @returns {Row} */
export function longestTaskRow(visits) {
  const worst = (/** @type {Side} */ side) =>
    Math.max(...visits.flatMap((each) => (each[side] ?? []).map(({ longestTaskMs }) => longestTaskMs)))
  const [ours, peer] = [worst('edgeward'), worst('transformers')]
  // Two sides without a long task are alike.
  const ratio = ours === peer ? 1 : ours / peer
  const what = 'longest main-thread task of all visits (0: none over 50 ms)'
  const named = { what, peerName: peerNames.transformers, unit: 'ms' }
  return { ...named, ours, peer, ratio, target: 'at most 50 ms', met: ours <= 50 }
}

/** @param {string} what @param {Visits} visits @param {number} most @returns {Row[]} */
function timeRows(what, visits, most) {
  const rows = [withTarget(against('transformers', what, visits), most), against('bare', what, visits)]
  return visits.unverified ? [...rows, withTarget(against('unverified', what, visits), 1.03)] : rows
}

/** @param {Exclude<Side, 'edgeward'>} side @param {string} what @param {Visits} visits @returns {Row} */
function against(side, what, visits) {
  return compare(what, 'ms', milliseconds(visits.edgeward), {
    name: peerNames[side],
    samples: milliseconds(visits[side]),
  })
}

/** @param {readonly Visit[]} [visits] */
function milliseconds(visits = []) {
  return visits.map(({ ms }) => ms)
}

/** @param {Row} row @param {number} most @returns {Row} */
function withTarget(row, most) {
  return { ...row, target: `ratio ≤ ${most}`, met: row.ratio <= most }
}

/**
 * @param {string} what
 * @param {string} unit
 * @param {readonly number[]} samples
 * @param {{ name: string, samples: readonly number[] }} peer
 * @returns {Row}
 */
function compare(what, unit, samples, { name, samples: theirs }) {
  const [ours, peer] = [median(samples), median(theirs)]
  const spread = { oursQuartiles: quartiles(samples), peerQuartiles: quartiles(theirs) }
  return { what, peerName: name, unit, ours, peer, ...spread, ratio: ours / peer }
}
