/** The folder outside the clone where the packing tool, too, keeps what it fetches. */
import { stat } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'

export function cacheFolder() {
  const { EDGEWARD_CACHE: own, XDG_CACHE_HOME: shared } = process.env
  return own ?? path.join(shared ?? path.join(os.homedir(), '.cache'), 'edgeward')
}

/** @param {string} file */
export async function exists(file) {
  return stat(file).then(
    () => true,
    () => false,
  )
}
