/** Packs one model: from a recipe to a folder with a manifest and its files. */
import { copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Manifest } from 'edgeward/manifest'
import { digestFile, sha256 } from './digest-file.js'
import { FileCache } from './file-cache.js'
import { displayPath, readIntactFolder, replaceFolder } from './output-folder.js'
import { messageOf, PackError } from './pack-error.js'
import type { PackProgress } from './progress.js'
import { parseRecipe, shippedFiles, type Recipe } from './recipe.js'
import { resolveFiles, type ResolvedFile } from './resolve-files.js'
import { toolVersion } from './tool-version.js'

export interface PackOptions extends PackingOptions {
  /** The path of a `recipe.json`, or of the folder in which it lies. */
  readonly recipe: string
}

/** What is alike whatever is packed. */
export interface PackingOptions {
  /** The folder in which the model's own folder is made. Default: `.models` at the working directory. */
  readonly out?: string
  /** Where fetched files are kept. Default: `$EDGEWARD_CACHE`, else `$XDG_CACHE_HOME/edgeward`, else `~/.cache/edgeward`. */
  readonly cacheDir?: string
  /** Stops the work; `pack` then rejects with its reason, and nothing is left half-written. */
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: PackProgress) => void
}

export interface PackResult {
  readonly manifest: Manifest
  /** The model's folder. */
  readonly dir: string
  /** `false` when the folder was up to date already. */
  readonly changed: boolean
}

/**
 * Fetches a recipe's files, verifies them, and writes `<out>/<id>/manifest.json` with the files beside it.
 *
 * @throws {PackError} when the recipe is wrong, a digest is wrong, no source answers, or a graph cannot be run
 *   or computes wrongly on WASM.
 */
export async function pack(options: PackOptions): Promise<PackResult> {
  const path = await findRecipe(resolve(options.recipe))
  const text = await readFile(path, 'utf8')
  return packRecipe({ text, dir: dirname(path), where: displayPath(path) }, options)
}

/** A recipe's text, and where it lies. */
export interface RecipeText {
  readonly text: string
  /** What its `file:` sources are relative to. */
  readonly dir: string
  /** For messages. */
  readonly where: string
}

/** As {@link pack}, with a recipe that need not be a file. */
export async function packRecipe(recipe: RecipeText, options: PackingOptions): Promise<PackResult> {
  const run = startRun(recipe, options)
  const upToDate = await findUpToDate(run)
  if (upToDate) {
    run.onProgress({ kind: 'unchanged', model: run.recipe.id, dir: displayPath(run.dir) })
    return { manifest: upToDate, dir: run.dir, changed: false }
  }
  const cache = new FileCache(options.cacheDir)
  const manifest = await cache.withTemporaryFolder(async (tempDir) => {
    const files = await resolveFiles({ ...run, cache, tempDir })
    // ONNX Runtime is loaded only when there is something to pack: a run that changes nothing takes no time.
    const { buildManifest } = await import('./build-manifest.js')
    const built = await buildManifest({ ...run, files, tempDir })
    await replaceFolder(run.out, run.recipe.id, (dir) => writeModel(dir, built, run.recipe, files))
    return built
  })
  run.onProgress({ kind: 'packed', model: run.recipe.id, dir: displayPath(run.dir), revision: manifest.revision })
  return { manifest, dir: run.dir, changed: true }
}

interface Run {
  readonly recipe: Recipe
  readonly recipeDir: string
  readonly recipeSha256: string
  readonly out: string
  readonly dir: string
  readonly signal: AbortSignal
  readonly onProgress: (progress: PackProgress) => void
}

function startRun({ text, dir: recipeDir, where }: RecipeText, options: PackingOptions): Run {
  const recipe = parseRecipe(parseJson(text, where), where)
  const out = resolve(options.out ?? '.models')
  return {
    recipe,
    recipeDir,
    recipeSha256: sha256(text),
    out,
    dir: join(out, recipe.id),
    signal: options.signal ?? new AbortController().signal,
    onProgress: options.onProgress ?? (() => undefined),
  }
}

async function findRecipe(path: string): Promise<string> {
  const inFolder = join(path, 'recipe.json')
  for (const candidate of [inFolder, path]) {
    const found = await stat(candidate).catch(() => undefined)
    if (found?.isFile()) return candidate
  }
  throw new PackError(`there is no recipe at ${path}, nor at ${inFolder}`)
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new PackError(`${where} is not JSON: ${messageOf(cause)}`, { cause })
  }
}

/** The manifest that is there, if this tool made it from this very recipe and every file is still what it was. */
async function findUpToDate({ dir, recipe, recipeDir, recipeSha256, signal }: Run): Promise<Manifest | undefined> {
  const manifest = await readIntactFolder(dir, signal)
  if (manifest?.packedBy !== toolVersion || manifest.provenance[0]?.sha256 !== recipeSha256) return undefined
  for (const file of Object.values(recipe.files)) {
    const local = file.sources.find((source) => source.startsWith('file:'))
    if (local === undefined) continue
    const found = await digestFile(resolve(recipeDir, local.slice('file:'.length)), signal).catch(() => undefined)
    if (found?.sha256 !== file.sha256) return undefined
  }
  return manifest
}

async function writeModel(
  dir: string,
  manifest: Manifest,
  recipe: Recipe,
  files: ReadonlyMap<string, ResolvedFile>,
): Promise<void> {
  const shipped = shippedFiles(recipe)
  for (const [name, { path }] of files) {
    if (!shipped.has(name)) continue
    await mkdir(dirname(join(dir, name)), { recursive: true })
    await copyFile(path, join(dir, name))
  }
  await writeFile(join(dir, 'manifest.json'), formatManifest(manifest))
}

/** Indented for people, but with rows of numbers on one line: a canary may have thousands. */
function formatManifest(manifest: Manifest): string {
  const json = JSON.stringify(manifest, null, 2)
  return `${json.replace(/\[\s+(-?\d[^[\]{}"]*?)\s+\]/g, (_, row: string) => `[${row.replace(/\s+/g, ' ')}]`)}\n`
}
