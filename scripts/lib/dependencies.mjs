/** Installs the dependencies when what is installed is not what the lockfile says. */
import { existsSync, readFileSync } from 'node:fs'
import { fromRoot } from './root.mjs'

/**
 * @typedef {{ version?: string, link?: boolean, optional?: boolean, peer?: boolean, devOptional?: boolean }} LockedPackage
 * @typedef {{ packages: Record<string, LockedPackage> }} Lockfile
 */

const lockfilePath = fromRoot('package-lock.json')
const installedRecordPath = fromRoot('node_modules', '.package-lock.json')
const progressMs = 5_000

/**
 * @param {import('./children.mjs').Children} children
 * @param {(line: string) => void} log
 */
export async function ensureDependencies(children, log) {
  const outdated = whyOutdated()
  if (outdated === undefined) return log('installed already')
  log(`npm ci: ${outdated}`)
  const progress = setInterval(() => log(progressOf(readLockfile(lockfilePath))), progressMs)
  const installing = children.run('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    env: { ONNXRUNTIME_NODE_INSTALL: 'skip' }, // The CPU binary is in the package; CUDA is not wanted.
  })
  const { code, output } = await installing.finally(() => clearInterval(progress))
  if (code !== 0) throw new Error(`npm ci failed (exit code ${code})\n${withoutUsage(output)}`)
  log('installed')
}

/**
 * Compares the lockfile with the record that npm keeps of what it installed.
 *
 * @param {string} [wantedPath]
 * @param {string} [installedPath]
 * @returns {string | undefined} what is wrong, or undefined when the installed packages are the lockfile's
 */
export function whyOutdated(wantedPath = lockfilePath, installedPath = installedRecordPath) {
  if (!existsSync(installedPath)) return 'nothing is installed yet'
  const wanted = readLockfile(wantedPath)
  const installed = readLockfile(installedPath)
  for (const [path, { version, link, optional }] of Object.entries(wanted.packages)) {
    const isInstallable = path.includes('node_modules/') && link !== true
    const found = installed.packages[path]?.version
    const isLeftOut = found === undefined && optional === true // It is for another platform.
    if (isInstallable && !isLeftOut && found !== version) {
      return `${path} should be ${version ?? 'there'}, and is ${found ?? 'missing'}`
    }
  }
  return undefined
}

/** npm explains all its options after an error. @param {string} output */
const withoutUsage = (output) => output.split(/^npm error\s+Clean install a project/m)[0] ?? output

/** npm itself is silent while it installs, unless it has a terminal of its own. @param {Lockfile} lockfile */
function progressOf({ packages }) {
  const wanted = Object.entries(packages).filter(([path, { optional }]) => path !== '' && optional !== true)
  const there = wanted.filter(([path]) => existsSync(fromRoot(path, 'package.json')))
  return `${there.length} of ${wanted.length} packages`
}

/**
 * @param {string} path
 * @returns {Lockfile}
 */
function readLockfile(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}
