/** The folder of a packed model: written whole or not at all, and checked before it is written again. */
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { parseManifest, type Manifest, type ManifestFile } from 'edgeward/manifest'
import { digestFile } from './digest-file.js'

/**
 * The manifest of a folder in which every file is what the manifest says; otherwise `undefined`, whatever the reason:
 * the folder is then packed again.
 */
export async function readIntactFolder(dir: string, signal: AbortSignal): Promise<Manifest | undefined> {
  try {
    const path = join(dir, 'manifest.json')
    const manifest = parseManifest(JSON.parse(await readFile(path, 'utf8')), path)
    for (const file of filesOf(manifest)) {
      if ((await digestFile(join(dir, file.path), signal)).sha256 !== file.sha256) return undefined
    }
    return manifest
  } catch {
    // Missing, unreadable or from another version all mean the same here: not intact. An abort is told apart.
    signal.throwIfAborted()
    return undefined
  }
}

/** Lets `write` fill a temporary folder beside `dir`, then puts that in its place in one step. */
export async function replaceFolder(
  parent: string,
  name: string,
  write: (dir: string) => Promise<void>,
): Promise<void> {
  await removeAbandoned(parent, name)
  const temporary = join(parent, `.${name}.${process.pid}.partial`)
  await mkdir(temporary, { recursive: true })
  try {
    await write(temporary)
    await swap(temporary, join(parent, name))
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

/** A folder as one would write it at the command line. */
export function displayPath(path: string): string {
  const short = relative(process.cwd(), path)
  return short === '' || short.startsWith('..') ? path : short
}

/** A rename does not replace a folder that has files: the old one is moved away first, and back if the rename fails. */
async function swap(fresh: string, dir: string): Promise<void> {
  const old = `${fresh}.old`
  const hadOld = await rename(dir, old).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
  try {
    await rename(fresh, dir)
  } catch (error) {
    if (hadOld) await rename(old, dir)
    throw error
  }
  await rm(old, { recursive: true, force: true })
}

/** Removes what interrupted runs left behind, but nothing of a run that is still at work. */
async function removeAbandoned(parent: string, name: string): Promise<void> {
  await mkdir(parent, { recursive: true })
  for (const entry of await readdir(parent)) {
    const owner = entry.startsWith(`.${name}.`)
      ? /^(\d+)\.partial(\.old)?$/.exec(entry.slice(name.length + 2))?.[1]
      : undefined
    if (owner === undefined || (Number(owner) !== process.pid && isRunning(Number(owner)))) continue
    await rm(join(parent, entry), { recursive: true, force: true })
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

function filesOf({ assets, variants }: Manifest): ManifestFile[] {
  const graphs = variants.flatMap((variant) => Object.values(variant.graphs))
  return [...Object.values(assets), ...graphs.map((graph) => graph.file)]
}
