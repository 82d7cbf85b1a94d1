/** The folder of a packed model: written whole or not at all, and checked before it is written again. */
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { parseManifest, type Manifest, type ManifestFile } from 'edgeward/manifest'
import { digestFile } from './digest-file.js'
import { removeAbandoned } from './remove-abandoned.js'

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

/** Lets `write` fill a temporary folder beside the model's own, and then puts it in that one's place. */
export async function replaceFolder(
  parent: string,
  name: string,
  write: (dir: string) => Promise<void>,
): Promise<void> {
  await mkdir(parent, { recursive: true })
  await removeAbandoned(parent, (entry) => ownerOf(entry, name))
  const temporary = join(parent, `.${name}.${process.pid}.${randomUUID().slice(0, 8)}.partial`)
  await mkdir(temporary)
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
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT') return false
      throw error
    },
  )
  try {
    await rename(fresh, dir)
  } catch (error) {
    // Another run put its folder there in this very moment. It is as good as ours.
    if (!['ENOTEMPTY', 'EEXIST'].includes(codeOf(error))) {
      if (hadOld) await rename(old, dir)
      throw error
    }
  }
  await rm(old, { recursive: true, force: true })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** The process that writes the temporary folder `.<name>.<pid>.<random>.partial`, or its `.old`. */
function ownerOf(entry: string, name: string): number | undefined {
  if (!entry.startsWith(`.${name}.`)) return undefined
  const pid = /^(\d+)\.[0-9a-f]+\.partial(\.old)?$/.exec(entry.slice(name.length + 2))?.[1]
  return pid === undefined ? undefined : Number(pid)
}

function filesOf({ assets, variants }: Manifest): ManifestFile[] {
  const graphs = variants.flatMap((variant) => Object.values(variant.graphs))
  return [...Object.values(assets), ...graphs.flatMap(({ file, externalData = [] }) => [file, ...externalData])]
}
