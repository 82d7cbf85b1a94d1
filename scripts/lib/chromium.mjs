/** Finds a Chromium for the browser tests, and installs one where there is none. */
import { accessSync, constants, existsSync } from 'node:fs'
import path from 'node:path'
import { canInstallDebianPackages, installDebianPackages } from './debian.mjs'
import { toolPath } from './root.mjs'

const names = ['chromium', 'chromium-browser', 'google-chrome']

/** Chromium asks nobody on the network for anything, and runs as root in a container. */
export const chromiumArgs = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** WebGPU without a GPU, by the CPU. */
export const softwareWebGpuArgs = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']

/**
 * The Chromium that `EDGEWARD_CHROMIUM` names, or the first one on the PATH; undefined means Playwright's own.
 *
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string | undefined}
 */
export function findChromium(env = process.env) {
  const named = env['EDGEWARD_CHROMIUM']
  if (named !== undefined && named !== '') {
    if (isExecutable(named)) return named
    throw new Error(`EDGEWARD_CHROMIUM is ${named}, which is no executable file`)
  }
  const folders = (env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '')
  return folders.flatMap((folder) => names.map((name) => path.join(folder, name))).find(isExecutable)
}

/**
 * @param {import('./children.mjs').Children} children
 * @param {(line: string) => void} log
 */
export async function ensureChromium(children, log) {
  const found = findChromium() ?? (await findPlaywrightsOwn())
  if (found !== undefined) return log(`found ${found}`)
  if (canInstallDebianPackages()) {
    log('installing Debian’s package chromium')
    const isDone = await installDebianPackages(children, ['chromium'])
    if (isDone && findChromium() !== undefined) return log(`installed ${findChromium() ?? 'chromium'}`)
  }
  log('downloading Playwright’s own Chromium')
  const { code, output } = await children.run(toolPath('playwright'), ['install', 'chromium'], { onLine: log })
  if (code === 0) return
  throw new Error(`no Chromium was found or could be installed; name one in EDGEWARD_CHROMIUM\n${output}`)
}

async function findPlaywrightsOwn() {
  const { chromium } = await import('playwright')
  const own = chromium.executablePath()
  return existsSync(own) ? own : undefined
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
