/** From nothing to the first answer of a real model: Edgeward, Transformers.js and bare onnxruntime-web. */
import { peerFolder, peers } from './support/peers.mjs'
import { withBrowser, withProfile } from './support/page.mjs'
import { startServer } from './support/server.mjs'
import { median } from './support/statistics.mjs'
import { startThrottle } from './support/throttle.mjs'

/** @typedef {import('./support/report.mjs').Row} Row */
/** @typedef {'edgeward' | 'transformers' | 'bare'} Side */
/** @typedef {{ ms: number, longestTaskMs: number, vector: number[], bytes: number }} Sample */
/** @typedef {Record<Side, Sample[]>} Samples */

/** @type {readonly Side[]} */
const sides = ['edgeward', 'transformers', 'bare']
const rounds = 7
const throttledRounds = 3
/** 50 Mbit/s. */
const throttledBytesPerSecond = 50e6 / 8
const peerNames = {
  transformers: `Transformers.js ${peers.transformers.version}, its defaults, WASM`,
  bare: 'bare onnxruntime-web, no tokenizer',
}

/**
 * @param {(line: string) => void} log
 * @returns {Promise<Row[]>}
 */
export async function run(log) {
  const server = await startServer({
    transformers: await peerFolder(peers.transformers),
    transformersRuntime: await peerFolder(peers.transformersRuntime),
  })
  const link = await startThrottle(server.port, throttledBytesPerSecond)
  try {
    log('cold and warm')
    const { cold, warm } = await coldAndWarm(server.url)
    checkSameAnswers(cold)
    log('over 50 Mbit/s')
    const throttled = await overLink(link)
    return [...loadRows(cold, warm), ...throttledRows(throttled), jankRow(cold)]
  } finally {
    link.close()
    server.close()
  }
}

/**
 * Each run has a profile of its own: the first visit is cold, the second, after a restart of the browser, warm.
 *
 * @param {string} url
 * @returns {Promise<{ cold: Samples, warm: Samples }>}
 */
async function coldAndWarm(url) {
  const [cold, warm] = [emptySamples(), emptySamples()]
  for (let round = 0; round < rounds; round += 1) {
    for (const side of inTurn(round)) {
      await withProfile(async (profile) => {
        cold[side].push({ ...(await visit(profile, url, side)), bytes: 0 })
        warm[side].push({ ...(await visit(profile, url, side)), bytes: 0 })
      })
    }
  }
  return { cold, warm }
}

/** @param {{ url: string, sentBytes(): number }} link @returns {Promise<Samples>} */
async function overLink(link) {
  const samples = emptySamples()
  for (let round = 0; round < throttledRounds; round += 1) {
    for (const side of inTurn(round)) {
      const before = link.sentBytes()
      const sample = await withProfile((profile) => visit(profile, link.url, side))
      samples[side].push({ ...sample, bytes: link.sentBytes() - before })
    }
  }
  return samples
}

/**
 * @param {string} profile
 * @param {string} url
 * @param {Side} side
 * @returns {Promise<Omit<Sample, 'bytes'>>}
 */
function visit(profile, url, side) {
  return withBrowser(profile, url, (page) =>
    page.evaluate(async (given) => (await import(given.script)).measure(given), {
      script: '/weights-load.js',
      side,
      folder: '/models/',
      file: 'model_q8.onnx',
    }),
  )
}

/** @param {number} round @returns {readonly Side[]} */
function inTurn(round) {
  return round % 2 === 0 ? sides : [...sides].reverse()
}

/** @returns {Samples} */
function emptySamples() {
  return { edgeward: [], transformers: [], bare: [] }
}

/** Sides that answer differently are not worth comparing. @param {Samples} samples */
function checkSameAnswers(samples) {
  const [ours] = samples.edgeward
  for (const side of sides) {
    const [theirs] = samples[side]
    const cosine = theirs?.vector.reduce((sum, value, index) => sum + value * (ours?.vector[index] ?? NaN), 0) ?? NaN
    if (!(cosine > 0.999)) throw new Error(`${side} gives another vector: cosine ${cosine}`)
  }
}

/** @param {Samples} cold @param {Samples} warm @returns {Row[]} */
function loadRows(cold, warm) {
  return [
    toRow('MiniLM q8, first visit', cold, 'transformers', 0.6),
    toRow('MiniLM q8, first visit', cold, 'bare', 1.1),
    toRow('MiniLM q8, second visit, browser restarted', warm, 'transformers', 0.5),
    toRow('MiniLM q8, second visit, browser restarted', warm, 'bare', 1.1),
  ]
}

/** @param {Samples} samples @returns {Row[]} */
function throttledRows(samples) {
  const ours = median(samples.edgeward.map(({ ms }) => ms))
  const limit = median(samples.edgeward.map(({ bytes }) => (bytes / throttledBytesPerSecond) * 1000))
  const what = 'MiniLM q8, first visit over 50 Mbit/s'
  const target = 'ratio ≤ 1.1'
  const ratio = ours / limit
  const atTheLimit = { what, ours, peer: limit, peerName: 'its bytes ÷ bandwidth', unit: 'ms', ratio, target }
  return [{ ...atTheLimit, met: ratio <= 1.1 }, toRow(what, samples, 'transformers', 0.6)]
}

/** @param {Samples} samples @returns {Row} */
function jankRow(samples) {
  const worst = (/** @type {Side} */ side) => Math.max(...samples[side].map(({ longestTaskMs }) => longestTaskMs))
  const [ours, peer] = [worst('edgeward'), worst('transformers')]
  // Two sides without a long task are alike.
  const ratio = ours === peer ? 1 : ours / peer
  const named = { what: 'longest main-thread task (0: none over 50 ms)', peerName: peerNames.transformers, unit: 'ms' }
  return { ...named, ours, peer, ratio, target: 'at most 50 ms', met: ours <= 50 }
}

/**
 * @param {string} what
 * @param {Samples} samples
 * @param {'transformers' | 'bare'} peerSide
 * @param {number} most
 * @returns {Row}
 */
function toRow(what, samples, peerSide, most) {
  const [ours, peer] = [samples.edgeward, samples[peerSide]].map((side) => median(side.map(({ ms }) => ms)))
  const ratio = (ours ?? NaN) / (peer ?? NaN)
  const named = { what, peerName: peerNames[peerSide], unit: 'ms', target: `ratio ≤ ${most}` }
  return { ...named, ours: ours ?? NaN, peer: peer ?? NaN, ratio, met: ratio <= most }
}
