/** Writes a benchmark's results as JSON and as a Markdown table. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const resultsFolder = fileURLToPath(new URL('../results', import.meta.url))
/** What quotes tables. */
const documents = ['README.md', 'docs/comparison.md', 'docs/text-generation.md'].map((name) =>
  fileURLToPath(new URL(`../../../${name}`, import.meta.url)),
)

/**
 * One comparison: medians of interleaved runs, and the quartiles around them where they were taken.
 *
 * @typedef {object} Row
 * @property {string} what
 * @property {number} ours
 * @property {number} peer
 * @property {string} peerName
 * @property {string} unit
 * @property {readonly [number, number]} [oursQuartiles]
 * @property {readonly [number, number]} [peerQuartiles]
 * @property {number} ratio ours ÷ peer
 * @property {string} [target] absent: a comparison that nothing was promised about
 * @property {boolean} [met]
 */

/**
 * A smaller run, to see whether the benchmark works: its results are not written.
 *
 * @typedef {{ readonly rounds?: number | undefined, readonly only?: string | undefined }} Subset
 */

/**
 * What a benchmark gives that compares something else than medians: what is kept as JSON, and its own Markdown table.
 *
 * @typedef {{ readonly data: object, readonly table: string }} Report
 */

/**
 * @param {string} name
 * @param {readonly Row[] | Report} result
 * @returns {Promise<string>} the Markdown table
 */
export async function writeReport(name, result) {
  const data = 'data' in result ? result.data : { machine: machine(), rows: result }
  const table = describeResult(result)
  await mkdir(resultsFolder, { recursive: true })
  await writeFile(path.join(resultsFolder, `${name}.json`), `${JSON.stringify({ name, ...data }, undefined, 2)}\n`)
  await writeFile(path.join(resultsFolder, `${name}.md`), table)
  for (const document of documents) await writeFile(document, quote(await readFile(document, 'utf8'), name, table))
  return table
}

/**
 * Puts a table between a document's marks for it, if there are any.
 *
 * @param {string} text
 * @param {string} name
 * @param {string} table
 */
export function quote(text, name, table) {
  const marks = new RegExp(`(<!-- bench:${name} -->\\n)[\\s\\S]*?(<!-- /bench -->)`)
  return text.replace(marks, (_, begin, end) => `${begin}\n${table}\n${end}`)
}

/** What the numbers were measured on. */
export function machine() {
  const [cpu] = os.cpus()
  const memoryGiB = Math.round(os.totalmem() / 2 ** 30)
  return `${os.cpus().length} × ${cpu?.model.trim() ?? 'unknown CPU'}, ${memoryGiB} GiB, ${os.type()}, no GPU, headless Chromium`
}

/** The table of a result. @param {readonly Row[] | Report} result */
export function describeResult(result) {
  return 'table' in result ? result.table : describeRows(result)
}

/** @param {readonly Row[]} rows */
export function describeRows(rows) {
  return toMarkdown({ machine: machine(), rows })
}

/** @param {{ machine: string, rows: readonly Row[] }} report */
function toMarkdown({ machine: where, rows }) {
  const lines = rows.map(({ what, ours, oursQuartiles, peer, peerQuartiles, peerName, unit, ratio, target, met }) => {
    const values = [quantity(ours, oursQuartiles, unit), quantity(peer, peerQuartiles, unit)]
    const verdict = met === undefined ? '' : met ? 'yes' : 'no'
    return `| ${[what, ...values, peerName, Number.isFinite(ratio) ? ratio.toFixed(2) : '', target ?? '', verdict].join(' | ')} |`
  })
  const head = ['what', 'Edgeward', 'peer', 'peer is', 'ratio', 'target', 'met']
  const rule = head.map(() => '---')
  const table = [head, rule].map((cells) => `| ${cells.join(' | ')} |`)
  const spread = rows.some(({ oursQuartiles }) => oursQuartiles) ? ' (quartiles in brackets)' : ''
  return `Medians of interleaved runs${spread} on ${where}.\n\n${[...table, ...lines].join('\n')}\n`
}

/** @param {number} value @param {readonly [number, number] | undefined} quartiles @param {string} unit */
function quantity(value, quartiles, unit) {
  return `${round(value)} ${unit}${quartiles ? ` (${quartiles.map(round).join('–')})` : ''}`
}

/** @param {number} value three digits that count */
function round(value) {
  return String(Number(value.toPrecision(3)))
}
