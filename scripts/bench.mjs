/** `npm run bench [-- name …]`: runs the benchmarks of test/bench and writes each one's JSON and Markdown table. */
import { readdir } from 'node:fs/promises'
import { ensureBuilt } from './lib/build.mjs'
import { Children } from './lib/children.mjs'
import { ensureChromium } from './lib/chromium.mjs'
import { ensureDependencies } from './lib/dependencies.mjs'
import { ensureModels } from './lib/models.mjs'
import { fromRoot } from './lib/root.mjs'
import { messageOf, say, sayBelow } from './lib/say.mjs'

const suffix = '.bench.mjs'
const benchFolder = fromRoot('test', 'bench')
const children = new Children()

try {
  await main(process.argv.slice(2))
} catch (error) {
  say(`\nFailed: ${messageOf(error)}`)
  process.exitCode = 1
}

/** @param {string[]} wanted */
async function main(wanted) {
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
    /** @type {{ run(log: (line: string) => void): Promise<import('../test/bench/support/report.mjs').Row[]> }} */
    const { run } = await import(`${benchFolder}/${name}${suffix}`)
    const { writeReport } = await import('../test/bench/support/report.mjs')
    say(await writeReport(name, await run(sayBelow)))
  }
}
