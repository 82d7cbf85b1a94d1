/**
 * `npm run soak [-- --seed 7] [--minutes 20]`: sends mixed requests while a seeded schedule breaks one thing after the other.
 * Ends with exit code 1 when a request was lost or answered wrongly, memory grew, or something was left behind.
 */
import { parseArgs } from 'node:util'
import { runnerImport } from 'vite'
import { ensureBuilt } from './lib/build.mjs'
import { Children } from './lib/children.mjs'
import { ensureChromium } from './lib/chromium.mjs'
import { ensureModels } from './lib/models.mjs'
import { fromRoot } from './lib/root.mjs'
import { messageOf, say, sayBelow } from './lib/say.mjs'

/**
 * What `test/soak/soak.ts` exports; the tests' project knows its types.
 *
 * @typedef {object} Soak
 * @property {(options: { seed: number, minutes: number, log: (line: string) => void }) => Promise<readonly string[]>} soak
 */

const children = new Children()

try {
  await main(process.argv.slice(2))
} catch (error) {
  say(`Failed: ${messageOf(error)}`)
  process.exitCode = 1
}
// A page that hangs must not keep this process.
process.exit()

/** @param {string[]} args */
async function main(args) {
  const { seed, minutes } = readArguments(args)
  const replay = `npm run soak -- --seed ${seed} --minutes ${minutes}`
  say(`seed ${seed}, ${minutes} minutes; replay with: ${replay}`)
  await ensureBuilt(children, sayBelow)
  await ensureModels(sayBelow, { includeTestModels: false })
  await ensureChromium(children, sayBelow)
  const { module } = await runnerImport(fromRoot('test', 'soak', 'soak.ts'), { configFile: false })
  const { soak } = /** @type {Soak} */ (module)
  const problems = await soak({ seed, minutes, log: say })
  for (const problem of problems) say(`FAILED: ${problem}`)
  say(problems.length === 0 ? 'nothing lost, nothing wrong, nothing left behind' : `replay with: ${replay}`)
  process.exitCode = problems.length === 0 ? 0 : 1
}

/** @param {string[]} args */
function readArguments(args) {
  const seed = { type: /** @type {const} */ ('string'), default: String(Math.floor(Math.random() * 1e6)) }
  const minutes = { type: /** @type {const} */ ('string'), default: '20' }
  const { values } = parseArgs({ args, options: { seed, minutes } })
  const read = { seed: Number(values.seed), minutes: Number(values.minutes) }
  if (!Number.isInteger(read.seed)) throw new Error(`--seed is "${values.seed}", should be a whole number`)
  if (!(read.minutes > 0)) throw new Error(`--minutes is "${values.minutes}", should be a number above 0`)
  return read
}
