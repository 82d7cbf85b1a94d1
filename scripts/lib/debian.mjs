/** Installs Debian's packages, where that is possible. */
import { existsSync } from 'node:fs'

export function canInstallDebianPackages() {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
}

/**
 * @param {import('./children.mjs').Children} children
 * @param {readonly string[]} names
 * @returns {Promise<boolean>} whether it went well
 */
export async function installDebianPackages(children, names) {
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  await children.run('apt-get', ['update', '-qq'], { env })
  const { code } = await children.run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], { env })
  return code === 0
}
