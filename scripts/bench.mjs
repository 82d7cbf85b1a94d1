/**
 * `npm run bench [-- name …] [--rounds 1] [--only pattern-of-model-ids]`: runs the benchmarks of test/bench and writes each
 * one's JSON and Markdown table. A run that an option makes smaller prints its table and writes nothing.
 */
import { readdir } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { ensureBuilt } from './lib/build.mjs'
import { Children } from './lib/children.mjs'
import { ensureChromium } from './lib/chromium.mjs'
import { ensureDependencies } from './lib/dependencies.mjs'
import { ensureModels } from './lib/models.mjs'
import { fromRoot } from './lib/root.mjs'
import { messageOf, say, sayBelow } from './lib/say.mjs'

/** @typedef {import('../test/bench/support/report.mjs').Row} Row */
/** @typedef {import('../test/bench/support/report.mjs').Report} Report */
/** @typedef {import('../test/bench/support/report.mjs').Subset} Subset */

const suffix = '.bench.mjs'
const benchFolder = fromRoot('test', 'bench')
const children = new Children()

try {
  await main(process.argv.slice(2))
} catch (error) {
  say(`\nFailed: ${messageOf(error)}`)
  process.exitCode = 1
}

/** @param {string[]} args */
async function main(args) {
  const { wanted, subset } = readArguments(args)
  const files = (await readdir(benchFolder)).filter((file) => file.endsWith(suffix))
  const names = files.map((file) => file.slice(0, -suffix.length)).sort()
  const unknown = wanted.find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Error(`there is no benchmark ${unknown}; there are: ${names.join(', ')}`)
  await ensureDependencies(children, sayBelow)
  await ensureBuilt(children, sayBelow)
  await ensureModels(sayBelow, { includeTestModels: false })
  await ensureChromium(children, sayBelow)
  for (const name of wanted.length > 0 ? wanted : names) {
    say(`\n${name}`)
    // Loaded only now: a benchmark imports what the steps above install.
    /** @type {{ run(log: (line: string) => void, subset: Subset): Promise<Row[] | Report> }} */
    const { run } = await import(`${benchFolder}/${name}${suffix}`)
    const { describeResult, writeReport } = await import('../test/bench/support/report.mjs')
    const result = await run(sayBelow, subset ?? {})
    say(subset ? describeResult(result) : await writeReport(name, result))
  }
}

/** @param {string[]} args @returns {{ wanted: string[], subset: Subset | undefined }} */
function readArguments(args) {
  const options = /** @type {const} */ ({ rounds: { type: 'string' }, only: { type: 'string' } })
  const { values, positionals: wanted } = parseArgs({ args, options, allowPositionals: true })
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
  if (rounds !== undefined && !(rounds >= 1))
    throw new Error(`--rounds is "${values.rounds}", should be a number from 1 on`)
  const isWhole = rounds === undefined && values.only === undefined
  return { wanted, subset: isWhole ? undefined : { rounds, only: values.only } }
}
