/** Gets every file of a recipe from the first source that answers, and lets none pass whose digest is wrong. */
import { join } from 'node:path'
import { digestFile } from './digest-file.js'
import type { FileCache } from './file-cache.js'
import { messageOf, PackError } from './pack-error.js'
import type { PackProgress } from './progress.js'
import type { Recipe, RecipeFile } from './recipe.js'
import { fetchSource } from './sources/fetch-source.js'
import { PackageShelf } from './sources/package-shelf.js'
import { parseSource } from './sources/parse-source.js'

/** A file that is on this machine and is what the recipe says. */
export interface ResolvedFile {
  readonly path: string
  /** The source that gave it, now or when it entered the cache. */
  readonly source: string
}

export interface ResolveOptions {
  readonly recipe: Recipe
  readonly recipeDir: string
  readonly cache: FileCache
  /** A temporary folder on the cache's disk. */
  readonly tempDir: string
  readonly signal: AbortSignal
  readonly onProgress: (progress: PackProgress) => void
}

/** @throws {PackError} when a digest is wrong, or when no source of a file answered. */
export async function resolveFiles(options: ResolveOptions): Promise<ReadonlyMap<string, ResolvedFile>> {
  const packages = new PackageShelf(join(options.tempDir, 'packages'))
  const entries = Object.entries(options.recipe.files)
  const resolved = new Map<string, ResolvedFile>()
  for (const [name, file] of entries) {
    const { from, ...found } = await resolveFile(name, file, packages, options)
    resolved.set(name, found)
    const counts = { done: resolved.size, total: entries.length }
    options.onProgress({ kind: 'verified', model: options.recipe.id, file: name, from, ...counts })
  }
  return resolved
}

type FoundFile = ResolvedFile & { readonly from: 'cache' | 'source' }

async function resolveFile(
  name: string,
  file: RecipeFile,
  packages: PackageShelf,
  options: ResolveOptions,
): Promise<FoundFile> {
  const failures: string[] = []
  for (const source of file.sources) {
    const isLocal = source.startsWith('file:')
    // A file beside the recipe is read anew each time: the cache would hide that somebody changed it.
    const cached = isLocal ? undefined : await options.cache.find(file.sha256, options.signal)
    if (cached) return { ...cached, from: 'cache' }
    try {
      const path = await fetchFile(name, source, packages, options)
      await verify(name, file, path, source, options.signal)
      if (isLocal) return { path, source, from: 'source' }
      return { ...(await options.cache.add(path, file.sha256, source)), from: 'source' }
    } catch (error) {
      options.signal.throwIfAborted()
      if (error instanceof WrongDigestError) throw error
      failures.push(`  ${source}: ${messageOf(error)}`)
      options.onProgress({ kind: 'source-failed', model: options.recipe.id, source, reason: messageOf(error) })
    }
  }
  throw new PackError(`${options.recipe.id}: no source of ${name} answered:\n${failures.join('\n')}`)
}

async function fetchFile(
  name: string,
  source: string,
  packages: PackageShelf,
  { recipe, recipeDir, tempDir, signal, onProgress }: ResolveOptions,
): Promise<string> {
  const parsed = parseSource(source)
  if (!parsed) throw new PackError(`${source} is not a source`)
  const target = join(tempDir, name.replaceAll('/', '_'))
  onProgress({ kind: 'fetching', model: recipe.id, file: name, source })
  const onBytes = (loadedBytes: number, totalBytes?: number) =>
    onProgress({ kind: 'bytes', model: recipe.id, file: name, loadedBytes, ...(totalBytes ? { totalBytes } : {}) })
  await fetchSource(parsed, target, { recipeDir, packages, signal, onBytes })
  return target
}

/** Stops everything: another source must not paper over a file that is not what it was. */
class WrongDigestError extends PackError {}

async function verify(
  name: string,
  file: RecipeFile,
  path: string,
  source: string,
  signal: AbortSignal,
): Promise<void> {
  const found = await digestFile(path, signal)
  if (found.sha256 === file.sha256) return
  const lengths = file.bytes === undefined || file.bytes === found.bytes ? '' : ` and ${file.bytes} bytes`
  throw new WrongDigestError(
    `${name} from ${source} is not the file that the recipe means:\n` +
      `  expected SHA-256 ${file.sha256}${lengths}\n` +
      `  found    SHA-256 ${found.sha256}${lengths && ` and ${found.bytes} bytes`}`,
  )
}
