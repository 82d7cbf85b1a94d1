/** Writes a benchmark's results as JSON and as a Markdown table. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const resultsFolder = fileURLToPath(new URL('../results', import.meta.url))
const readme = fileURLToPath(new URL('../../../README.md', import.meta.url))

/**
 * One comparison: medians of interleaved runs.
 *
 * @typedef {object} Row
 * @property {string} what
 * @property {number} ours
 * @property {number} peer
 * @property {string} peerName
 * @property {string} unit
 * @property {number} ratio ours ÷ peer
 * @property {string} target
 * @property {boolean} met
 */

/**
 * @param {string} name
 * @param {readonly Row[]} rows
 * @returns {Promise<string>} the Markdown table
 */
export async function writeReport(name, rows) {
  const report = { name, machine: machine(), rows }
  const table = toMarkdown(report)
  await mkdir(resultsFolder, { recursive: true })
  await writeFile(path.join(resultsFolder, `${name}.json`), `${JSON.stringify(report, undefined, 2)}\n`)
  await writeFile(path.join(resultsFolder, `${name}.md`), table)
  await writeFile(readme, quote(await readFile(readme, 'utf8'), name, table))
  return table
}

/**
 * Puts a table between the README's marks for it, if there are any.
 *
 * @param {string} text
 * @param {string} name
 * @param {string} table
 */
export function quote(text, name, table) {
  const marks = new RegExp(`(<!-- bench:${name} -->\\n)[\\s\\S]*?(<!-- /bench -->)`)
  return text.replace(marks, (_, begin, end) => `${begin}\n${table}\n${end}`)
}

function machine() {
  const [cpu] = os.cpus()
  const memoryGiB = Math.round(os.totalmem() / 2 ** 30)
  return `${os.cpus().length} × ${cpu?.model.trim() ?? 'unknown CPU'}, ${memoryGiB} GiB, ${os.type()}, no GPU, headless Chromium`
}

/** @param {{ machine: string, rows: readonly Row[] }} report */
function toMarkdown({ machine: where, rows }) {
  const lines = rows.map(({ what, ours, peer, peerName, unit, ratio, target, met }) => {
    const cells = [what, `${round(ours)} ${unit}`, `${round(peer)} ${unit}`, peerName, ratio.toFixed(2), target]
    return `| ${[...cells, met ? 'yes' : 'no'].join(' | ')} |`
  })
  const head = ['what', 'Edgeward', 'peer', 'peer is', 'ratio', 'target', 'met']
  const rule = head.map(() => '---')
  const table = [head, rule].map((cells) => `| ${cells.join(' | ')} |`)
  return `Medians of interleaved runs on ${where}.\n\n${[...table, ...lines].join('\n')}\n`
}

/** @param {number} value three digits that count */
function round(value) {
  return String(Number(value.toPrecision(3)))
}
