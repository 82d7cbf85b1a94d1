// @ts-check
/**
 * Packs every recipe of `models/` into `.models/`; with `--test` also those of `test/fixtures/models/`.
 * Needs the built packing tool (`npm run build`). A second run only checks that everything is there.
 */
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { fromRoot } from './lib/root.mjs'

const packTool = fromRoot('packages', 'server', 'dist', 'pack.js')

/**
 * @param {{ includeTestModels?: boolean, log?: (line: string) => void }} [options]
 * @returns {Promise<string[]>} the folders of the packed models
 */
export async function prepareModels({ includeTestModels = false, log = console.log } = {}) {
  if (!existsSync(packTool)) throw new Error(`${packTool} is missing: build first (npm run build)`)
  /** @type {typeof import('../packages/server/dist/pack.js')} */
  const { describeProgress, pack } = await import(packTool)
  const rooms = [fromRoot('models'), ...(includeTestModels ? [fromRoot('test', 'fixtures', 'models')] : [])]
  const recipes = rooms.flatMap(recipesIn)
  const folders = []
  for (const [index, recipe] of recipes.entries()) {
    const say = throttle((/** @type {string} */ line) => log(`${index + 1} of ${recipes.length}: ${line}`))
    const { dir } = await pack({
      recipe,
      out: fromRoot('.models'),
      onProgress: (step) => say(step.kind, describeProgress(step)),
    })
    folders.push(dir)
  }
  return folders
}

/** @param {string} folder */
function recipesIn(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(`${folder}/${entry.name}/recipe.json`))
    .map((entry) => `${folder}/${entry.name}`)
    .sort()
}

/** Lets only one line a second through while bytes are counted. @param {(line: string) => void} log */
function throttle(log) {
  let last = 0
  return (/** @type {string} */ kind, /** @type {string} */ line) => {
    if (kind === 'bytes' && Date.now() - last < 1000) return
    last = Date.now()
    log(line)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await prepareModels({ includeTestModels: process.argv.includes('--test') })
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  }
}
