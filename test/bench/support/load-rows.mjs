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

/**
 * Peaks in multiples of the weights. The target is the project's own: what its weights take, twice at most. For weights that
 * lie apart, also what comes on top of the peaks of a load without weights.
 *
 * @param {LoadCase} loadCase
 * @param {Visits} cold
 * @param {Visits} tiny of a model of next to nothing
 * @returns {Row[]}
 */
export function memoryRows({ name, weightsBytes, isSplit }, cold, tiny) {
  const scale = { unit: '× weights', bytes: weightsBytes }
  const rows = peakRows(`${name}: peak memory of the renderer`, cold, scale)
  if (!isSplit) return rows
  const added = peakRows(`${name}: peak memory beyond that of a model of 1 kB`, cold, { ...scale, without: tiny })
  return [...rows.map((row) => ({ ...row, target: 'at most 2.0 × weights', met: row.ours <= 2 })), ...added]
}

/** What there is without weights to speak of. @param {LoadCase} loadCase @param {Visits} tiny @returns {Row[]} */
export function baseMemoryRows({ name }, tiny) {
  return peakRows(`${name}: peak memory of the renderer`, tiny, { unit: 'MB', bytes: 1e6 })
}

/** Over all visits. @param {readonly Visits[]} visits @returns {Row} */
export function longestTaskRow(visits) {
  const worst = (/** @type {Side} */ side) =>
    Math.max(0, ...visits.flatMap((each) => (each[side] ?? []).map(({ longestTaskMs }) => longestTaskMs)))
  const [ours, peer] = [worst('edgeward'), worst('transformers')]
  // Two sides without a long task are alike.
  const ratio = ours === peer ? 1 : ours / peer
  const what = 'longest main-thread task of all visits (0: none over 50 ms)'
  const named = { what, peerName: peerNames.transformers, unit: 'ms' }
  return { ...named, ours, peer, ratio, target: 'at most 50 ms', met: ours <= 50 }
}

/**
 * @param {string} what
 * @param {Visits} visits
 * @param {{ unit: string, bytes: number, without?: Visits }} scale
 * @returns {Row[]}
 */
function peakRows(what, visits, { unit, bytes, without }) {
  const peaks = (/** @type {Side} */ side) => {
    const base = without ? median(peaksOf(without[side])) : 0
    return peaksOf(visits[side]).map((peak) => (peak - base) / bytes)
  }
  const others = /** @type {const} */ (['transformers', 'bare'])
  return others.map((side) => compare(what, unit, peaks('edgeward'), { name: peerNames[side], samples: peaks(side) }))
}

/** @param {readonly Visit[]} [visits] */
function peaksOf(visits = []) {
  return visits.map(({ peakBytes }) => peakBytes)
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
