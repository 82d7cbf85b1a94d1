/** Visits the benchmark's page with each side in turn, cold and warm, and takes what a visit tells. */
import { openInBrowser } from './bare-browser.mjs'
import { peakRendererBytes } from './memory.mjs'
import { withProfile } from './page.mjs'

/** @typedef {import('./load-cases.mjs').LoadCase} LoadCase */
/** @typedef {import('./load-cases.mjs').Side} Side */

/**
 * One visit. `sentBytes` is what a throttled link sent for it.
 *
 * @typedef {{ ms: number, longestTaskMs: number, peakBytes: number, sentBytes: number, vector: number[] }} Visit
 */
/** @typedef {Partial<Record<Side, Visit[]>>} Visits by side, in the order of the rounds */
/** @typedef {import('./server.mjs').BenchServer} BenchServer */
/** @typedef {{ url: string, server: BenchServer }} Place the address to visit, and the server that is behind it */

/**
 * Each round gives each side a profile of its own: its first visit is cold, the second, after a restart of the browser,
 * warm.
 *
 * @param {LoadCase} loadCase
 * @param {BenchServer} server
 * @param {(line: string) => void} log
 * @returns {Promise<{ cold: Visits, warm: Visits }>}
 */
export async function visitColdAndWarm(loadCase, server, log) {
  const place = { url: server.url, server }
  /** @type {Visits} */
  const cold = {}
  /** @type {Visits} */
  const warm = {}
  await inTurn(loadCase, loadCase.rounds, log, (side) =>
    withProfile(async (profile) => {
      note(cold, side, await visit(loadCase, side, profile, place))
      note(warm, side, await visit(loadCase, side, profile, place))
    }),
  )
  checkSameAnswers(loadCase, cold)
  checkSameAnswers(loadCase, warm)
  return { cold, warm }
}

/**
 * @param {LoadCase} loadCase
 * @param {BenchServer} server
 * @param {{ url: string, sentBytes(): number }} link in front of the server
 * @param {(line: string) => void} log
 * @returns {Promise<Visits>}
 */
export async function visitOverLink(loadCase, server, link, log) {
  /** @type {Visits} */
  const visits = {}
  const sides = loadCase.sides.filter((side) => side === 'edgeward' || side === 'transformers')
  await inTurn({ ...loadCase, sides }, loadCase.throttledRounds, log, async (side) => {
    const before = link.sentBytes()
    const seen = await withProfile((profile) => visit(loadCase, side, profile, { url: link.url, server }))
    note(visits, side, { ...seen, sentBytes: link.sentBytes() - before })
  })
  checkSameAnswers(loadCase, visits)
  return visits
}

/**
 * The sides one after the other, in another order each round, lest one always come after the same other.
 *
 * @param {LoadCase} loadCase
 * @param {number} rounds
 * @param {(line: string) => void} log
 * @param {(side: Side) => Promise<void>} measure
 */
async function inTurn({ name, sides }, rounds, log, measure) {
  for (let round = 0; round < rounds; round += 1) {
    log(`${name}: round ${round + 1} of ${rounds}`)
    const first = (round >> 1) % sides.length
    const order = [...sides.slice(first), ...sides.slice(0, first)]
    for (const side of round % 2 === 0 ? order : order.reverse()) await measure(side)
  }
}

/**
 * @param {LoadCase} loadCase
 * @param {Side} side
 * @param {string} profile
 * @param {Place} place
 * @returns {Promise<Visit>}
 */
async function visit(loadCase, side, profile, { url, server }) {
  const page = `${url}/visit.html?${encodeURIComponent(JSON.stringify({ ...loadCase, side }))}`
  const [measured, peakBytes] = await openInBrowser(profile, page, server.nextResult, peakRendererBytes)
  if (measured.error !== undefined) throw new Error(`${loadCase.name}: ${side}: ${measured.error}`)
  return { ...measured, peakBytes, sentBytes: 0 }
}

/** @param {Visits} visits @param {Side} side @param {Visit} seen */
function note(visits, side, seen) {
  visits[side] = [...(visits[side] ?? []), seen]
}

/** Sides that answer differently are not worth comparing. @param {LoadCase} loadCase @param {Visits} visits */
function checkSameAnswers({ name }, visits) {
  const [ours] = visits.edgeward ?? []
  for (const [side, [theirs]] of Object.entries(visits)) {
    const cosine = cosineOf(theirs?.vector ?? [], ours?.vector ?? [])
    if (!(cosine > 0.999)) throw new Error(`${name}: ${side} gives another answer: cosine ${cosine}`)
  }
}

/** @param {readonly number[]} a @param {readonly number[]} b */
function cosineOf(a, b) {
  const dot = (/** @type {readonly number[]} */ x, /** @type {readonly number[]} */ y) =>
    x.reduce((sum, value, index) => sum + value * (y[index] ?? NaN), 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}
