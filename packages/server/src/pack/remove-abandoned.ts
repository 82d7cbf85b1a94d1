/** Removes the temporary folders of runs that were killed, but nothing of a run that is still at work. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** @param ownerOf The process id that a temporary folder's name carries; `undefined` for everything else. */
export async function removeAbandoned(parent: string, ownerOf: (name: string) => number | undefined): Promise<void> {
  for (const name of await readdir(parent)) {
    const owner = ownerOf(name)
    if (owner === undefined || owner === process.pid || isRunning(owner)) continue
    await rm(join(parent, name), { recursive: true, force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: it runs, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
