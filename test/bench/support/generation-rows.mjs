/** What the benchmark of text generation says of its samples, against the targets of issue 7. */
import { describeRows } from './report.mjs'
import { median, quartiles } from './statistics.mjs'

/** @typedef {import('./report.mjs').Row} Row */
/** @typedef {import('./generation-speeds.mjs').Answer} Answer */
/** @typedef {import('./generation-speeds.mjs').Speeds} Speeds */
/** @typedef {import('./generation-loads.mjs').Times} Times */

const speed = 'tokens/s'
const peers = /** @type {const} */ ({
  wllama: 'wllama, the same GGUF',
  transformers: 'Transformers.js, fp32 graph with GroupQueryAttention',
})
/** At least so many times as fast, by tokens of context. Absent: nothing was promised. */
const targets = new Map(
  /** @type {const} */ ([
    ['decode 128 wllama', 2.5],
    ['decode 1000 wllama', 4],
    ['decode 1000 transformers', 2.5],
    ['prefill 128 wllama', 12],
    ['prefill 1000 wllama', 9],
    ['prefill 1000 transformers', 5],
  ]),
)

/** @param {Speeds} speeds @returns {Row[]} */
export function peerRows(speeds) {
  return [...speeds].flatMap(([context, { edgeward, ...others }]) =>
    /** @type {const} */ (['prefill', 'decode']).flatMap((phase) =>
      /** @type {const} */ (['wllama', 'transformers']).map((peer) => {
        const what = phase === 'prefill' ? `prefill of ${context} tokens` : `decode at ${context} tokens of context`
        const of = (/** @type {Answer[]} */ answers) => answers.map((answer) => answer[phase])
        const least = targets.get(/** @type {never} */ (`${phase} ${context} ${peer}`))
        return atLeast(row(what, of(edgeward), of(others[peer]), peers[peer], speed), least)
      }),
    ),
  )
}

/**
 * @param {object} measured
 * @param {{ near: Answer[], far: Answer[] }} measured.stream
 * @param {{ second: Answer[], all: Answer[] }} measured.turns
 * @param {{ repeating: { on: Answer[], off: Answer[] }, plain: { on: Answer[], off: Answer[] } }} measured.lookup
 * @returns {Row[]}
 */
export function ownRows({ stream: { near, far }, turns: { second, all }, lookup }) {
  const stepMs = (/** @type {Answer[]} */ answers) => answers.map(({ decode }) => 1000 / decode)
  const firstMs = (/** @type {Answer[]} */ answers) => answers.map((answer) => answer.firstMs ?? NaN)
  const steps = row('a step at 1,000 tokens of context', stepMs(far), stepMs(near), 'at 64', 'ms')
  const turn = row("a second question's first token", firstMs(second), firstMs(all), 'the whole chat read again', 'ms')
  const answers = [...near, ...far]
  const [page, bare] = [answers.map(({ decode }) => decode), answers.map(({ bareDecode = NaN }) => bareDecode)]
  // A share of new tokens that a chat has in the middle.
  const share = median(second.map(({ promptTokens, cachedTokens = 0 }) => (promptTokens - cachedTokens) / promptTokens))
  return [
    atMost(steps, 1.4),
    atMost(turn, share * 1.2),
    atLeast(lookupRow('prompt lookup, a text that repeats its prompt', lookup.repeating), 1.5),
    atLeast(lookupRow('prompt lookup, a story', lookup.plain), 0.98),
    atLeast(row('parts as they reach the page', page, bare, "the worker's loop", speed), 0.98),
  ]
}

/** @param {{ cold: Times, warm: Times }} times @returns {Row[]} */
export function loadRows({ cold, warm }) {
  return [
    ...loadsOf('first visit, to the first token', cold, 0.8),
    ...loadsOf('second visit, to the first token', warm, 0.6),
  ]
}

/** @param {readonly Row[]} rows @param {{ before: number[], after: number[] }} load */
export function loadTable(rows, { before, after }) {
  const show = (/** @type {number[]} */ averages) => averages.map((value) => value.toFixed(1)).join(', ')
  const load = `Load of the machine over 1, 5 and 15 minutes: ${show(before)} before, ${show(after)} after.`
  return `${describeRows(rows)}\n${load}\n`
}

/** @param {string} what @param {Times} times @param {number} most @returns {Row[]} */
function loadsOf(what, { edgeward, ...others }, most) {
  return /** @type {const} */ (['wllama', 'transformers']).map((peer) =>
    atMost(row(what, edgeward, others[peer], peers[peer], 'ms'), most),
  )
}

/** @param {string} what @param {{ on: Answer[], off: Answer[] }} answers @returns {Row} */
function lookupRow(what, { on, off }) {
  const [text] = [...off, ...on].map((answer) => answer.text)
  const isSame = [...on, ...off].every((answer) => answer.text === text)
  const of = (/** @type {Answer[]} */ answers) => answers.map(({ bareDecode = NaN }) => bareDecode)
  return row(`${what}: ${isSame ? 'the same text' : 'another text'}`, of(on), of(off), 'without it', speed)
}

/** @param {string} what @param {number[]} ours @param {number[]} peer @param {string} peerName @param {string} unit @returns {Row} */
function row(what, ours, peer, peerName, unit) {
  const spread = { oursQuartiles: quartiles(ours), peerQuartiles: quartiles(peer) }
  const medians = { ours: median(ours), peer: median(peer) }
  return { what, ...medians, ...spread, peerName, unit, ratio: medians.ours / medians.peer }
}

/** @param {Row} of @param {number | undefined} least @returns {Row} */
function atLeast(of, least) {
  return least === undefined ? of : { ...of, target: `ratio ≥ ${least}`, met: of.ratio >= least }
}

/** @param {Row} of @param {number} most @returns {Row} */
function atMost(of, most) {
  return { ...of, target: `ratio ≤ ${Number(most.toPrecision(2))}`, met: of.ratio <= most }
}
