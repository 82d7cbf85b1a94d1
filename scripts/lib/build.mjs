/** Builds the packages and the demo page, and knows whether that has been done. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { cacheFolder, fromRoot, root, toolPath } from './root.mjs'

const inputFolder = 'packages'
const inputFiles = ['tsconfig.base.json', 'package-lock.json']
const outputs = ['packages/sdk/dist/index.js', 'packages/server/dist/cli.js', 'packages/demo/dist/index.html']
const notInputs = ['node_modules', 'dist']
const stampFile = path.join(cacheFolder, 'build-stamp')

/** @type {readonly { what: string, tool: string, args: string[], cwd: string }[]} */
const stages = [
  { what: 'types and the endpoint', tool: 'tsc', args: ['-b', 'packages/sdk', 'packages/server'], cwd: root },
  { what: 'the SDK', tool: 'rolldown', args: ['-c', 'packages/sdk/rolldown.config.mjs'], cwd: root },
  { what: 'the demo page', tool: 'vite', args: ['build', '--logLevel', 'warn'], cwd: fromRoot('packages', 'demo') },
]

/**
 * Builds, unless nothing has changed since the last build.
 *
 * @param {import('./children.mjs').Children} children
 * @param {(line: string) => void} log
 */
export async function ensureBuilt(children, log) {
  if (isBuilt()) return log('nothing has changed since the last build')
  await build(children, log)
}

/**
 * @param {import('./children.mjs').Children} children
 * @param {(line: string) => void} log
 */
export async function build(children, log) {
  const digest = digestOfInputs()
  removeOldScripts()
  for (const [index, { what, tool, args, cwd }] of stages.entries()) {
    log(`${index + 1} of ${stages.length}: ${what}`)
    const { code, output } = await children.run(toolPath(tool), args, { cwd })
    if (code !== 0) throw new Error(`building ${what} failed: ${tool} ${args.join(' ')}\n${output}`)
  }
  const missing = outputs.filter((output) => !existsSync(fromRoot(output)))
  if (missing.length > 0) throw new Error(`the build did not make ${missing.join(', ')}`)
  mkdirSync(cacheFolder, { recursive: true })
  writeFileSync(stampFile, digest)
}

/** The names of the SDK's chunks carry digests: old ones would pile up, and be published. */
function removeOldScripts() {
  const dist = fromRoot('packages', 'sdk', 'dist')
  if (!existsSync(dist)) return
  for (const name of readdirSync(dist)) if (/\.js(\.map)?$/.test(name)) rmSync(path.join(dist, name))
}

function isBuilt() {
  if (!existsSync(stampFile) || !outputs.every((output) => existsSync(fromRoot(output)))) return false
  return readFileSync(stampFile, 'utf8') === digestOfInputs()
}

function digestOfInputs() {
  const hash = createHash('sha256')
  for (const file of [...inputFiles, ...filesBelow(inputFolder)]) {
    const bytes = readFileSync(fromRoot(file))
    hash.update(`${file}\n${bytes.length}\n`).update(bytes)
  }
  return hash.digest('hex')
}

/**
 * @param {string} folder relative to the root
 * @returns {Generator<string>}
 */
function* filesBelow(folder) {
  const entries = readdirSync(fromRoot(folder), { withFileTypes: true })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const below = `${folder}/${entry.name}`
    if (notInputs.includes(entry.name) || entry.name.startsWith('.')) continue
    if (entry.isDirectory()) yield* filesBelow(below)
    else if (entry.isFile()) yield below
  }
}
