/** `npm run sim [-- --seed 1]`: runs the fleet simulator and writes its JSON, and its tables into docs/placement.md. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { format } from 'prettier'
import { runnerImport } from 'vite'
import { fromRoot } from './lib/root.mjs'
import { messageOf, say } from './lib/say.mjs'

/**
 * What `test/sim/report.ts` exports; the tests' project knows its types.
 *
 * @typedef {{ readonly fleet: unknown, readonly surge: unknown }} Report
 * @typedef {object} Simulator
 * @property {(seed: number) => Promise<Report>} makeReport
 * @property {(rows: unknown) => string} fleetTable
 * @property {(rows: unknown) => string} surgeTable
 */

const guide = fromRoot('docs', 'placement.md')
const results = fromRoot('test', 'sim', 'results', 'placement.json')

try {
  await main(process.argv.slice(2))
} catch (error) {
  say(`Failed: ${messageOf(error)}`)
  process.exitCode = 1
}

/** @param {string[]} args */
async function main(args) {
  const { values } = parseArgs({ args, options: { seed: { type: 'string', default: '1' } } })
  const seed = Number(values.seed)
  if (!Number.isInteger(seed)) throw new Error(`--seed is "${values.seed}", should be a whole number`)
  const { module } = await runnerImport(fromRoot('test', 'sim', 'report.ts'), { configFile: false })
  const { makeReport, fleetTable, surgeTable } = /** @type {Simulator} */ (module)
  const report = await makeReport(seed)
  const tables = { fleet: fleetTable(report.fleet), surge: surgeTable(report.surge) }
  say(`${tables.fleet}\n\n${tables.surge}`)
  // Another seed is for looking; what is kept is comparable from one change to the next.
  if (seed !== 1) return
  await mkdir(path.dirname(results), { recursive: true })
  await writeFormatted(results, JSON.stringify(report, undefined, 2), 'json')
  let text = await readFile(guide, 'utf8')
  for (const [name, table] of Object.entries(tables)) text = quote(text, name, table)
  await writeFormatted(guide, text, 'markdown')
}

/** @param {string} file @param {string} text @param {string} parser */
async function writeFormatted(file, text, parser) {
  const style = { ...JSON.parse(await readFile(fromRoot('.prettierrc.json'), 'utf8')), parser }
  await writeFile(file, await format(text, style))
}

/** Puts a table between its marks. @param {string} text @param {string} name @param {string} table */
function quote(text, name, table) {
  const marks = new RegExp(`(<!-- sim:${name} -->\\n)[\\s\\S]*?(<!-- /sim -->)`)
  if (!marks.test(text)) throw new Error(`docs/placement.md has no marks sim:${name}`)
  return text.replace(marks, (_, begin, end) => `${begin}\n${table}\n\n${end}`)
}
