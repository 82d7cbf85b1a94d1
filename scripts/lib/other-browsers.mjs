/** Installs Firefox and WebKitGTK for the tests of other engines, where that is possible; those tests are skipped elsewhere. */
import { existsSync } from 'node:fs'
import { canInstallDebianPackages, installDebianPackages } from './debian.mjs'

const browsers = [
  { path: '/usr/bin/firefox-esr', packages: ['firefox-esr'] },
  { path: '/usr/bin/WebKitWebDriver', packages: ['webkit2gtk-driver', 'xvfb', 'xauth'] },
]

/**
 * @param {import('./children.mjs').Children} children
 * @param {(line: string) => void} log
 */
export async function ensureOtherBrowsers(children, log) {
  const missing = browsers.filter(({ path }) => !existsSync(path)).flatMap(({ packages }) => packages)
  if (missing.length === 0) return log('found Firefox and WebKitGTK')
  if (!canInstallDebianPackages()) return log(`not here: ${missing.join(', ')}; their tests are skipped`)
  log(`installing Debian’s packages ${missing.join(', ')}`)
  const isDone = await installDebianPackages(children, missing)
  log(isDone ? 'installed' : 'they could not be installed; their tests are skipped')
}
