/** Puts a manifest together from a recipe and what was found in its files. */
import { copyFile, link, mkdir, rm } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { parseManifest, type Graph, type Manifest, type ManifestFile, type Variant } from 'edgeward/manifest'
import { draftOf, ggufVariants } from './gguf-variants.js'
import { countCost } from './count-cost.js'
import { chunkBytes, digestFile, sha256 } from './digest-file.js'
import { examineGraph } from './examine-graph.js'
import type { GraphPlace } from './open-graph.js'
import { PackError } from './pack-error.js'
import type { PackProgress } from './progress.js'
import { shippedFiles, type Recipe, type RecipeGraph, type RecipeGraphFiles } from './recipe.js'
import type { ResolvedFile } from './resolve-files.js'
import { toolVersion } from './tool-version.js'

/** Stands in a manifest's provenance for the recipe itself, so that a changed recipe is noticed. */
export const recipeFileName = 'recipe.json'

export interface BuildOptions {
  readonly recipe: Recipe
  readonly recipeSha256: string
  readonly files: ReadonlyMap<string, ResolvedFile>
  /** A temporary folder. */
  readonly tempDir: string
  readonly signal: AbortSignal
  readonly onProgress: (progress: PackProgress) => void
}

/** @throws {PackError} when a graph cannot be loaded or its canary cannot run. */
export async function buildManifest(options: BuildOptions): Promise<Manifest> {
  const { recipe } = options
  const described = await describeFiles(options)
  const draft = await draftOf(options)
  const content = {
    schemaVersion: 1 as const,
    id: recipe.id,
    task: recipe.task,
    licence: recipe.licence,
    chunkBytes,
    assets: Object.fromEntries(Object.entries(recipe.assets).map(([role, name]) => [role, entry(described, name)])),
    config: { ...draft?.config, ...recipe.config },
    variants: draft ? ggufVariants(recipe, draft, described) : await buildVariants(options, described),
  }
  const manifest = {
    ...content,
    cost: draft?.cost ?? countCost(recipe, (name) => entry(options.files, name).path),
    revision: revisionOf(content),
    provenance: provenanceOf(options),
    packedBy: toolVersion,
  }
  return parseManifest(manifest, `the manifest made from the recipe of ${recipe.id}`)
}

type Described = ReadonlyMap<string, ManifestFile>

async function describeFiles({ recipe, files, signal }: BuildOptions): Promise<Described> {
  const described = new Map<string, ManifestFile>()
  for (const name of shippedFiles(recipe)) {
    described.set(name, { path: name, ...(await digestFile(entry(files, name).path, signal)) })
  }
  return described
}

async function buildVariants(options: BuildOptions, described: Described): Promise<Variant[]> {
  const variants: Variant[] = []
  for (const variant of options.recipe.variants) {
    const graphs: Record<string, Graph> = {}
    for (const [name, graph] of Object.entries(variant.graphs)) {
      options.signal.throwIfAborted()
      graphs[name] = await buildGraph({ variant, name, graph }, options, described)
    }
    variants.push({ dtype: variant.dtype, backends: variant.backends, graphs })
  }
  return variants
}

interface GraphOfRecipe {
  readonly variant: Recipe['variants'][number]
  readonly name: string
  readonly graph: RecipeGraph
}

async function buildGraph(
  { variant, name, graph }: GraphOfRecipe,
  options: BuildOptions,
  described: Described,
): Promise<Graph> {
  const { recipe, onProgress } = options
  const { dtype, backends } = variant
  const step = { model: recipe.id, variant: dtype, graph: name }
  onProgress({ kind: 'examining', ...step })
  const fp32 = dtype === 'fp32' ? undefined : fp32Graph(recipe, name)
  const facts = await examineGraph({
    place: await graphPlace(options, graph, `${dtype}/${name}`),
    dtype,
    backends,
    canary: graph.canary,
    fp32: fp32 && (await graphPlace(options, fp32, `fp32/${name}`)),
    onCheck: (checkedOn) => onProgress({ kind: checkedOn ? 'checked' : 'unchecked', ...step }),
  })
  return {
    file: entry(described, graph.file),
    ...(graph.externalData && { externalData: graph.externalData.map((data) => entry(described, data)) }),
    ...facts,
  }
}

/** The graph of this name that computes as the model was trained, if the recipe has one. */
function fp32Graph({ variants, canarySource }: Recipe, name: string): RecipeGraphFiles | undefined {
  return variants.find(({ dtype }) => dtype === 'fp32')?.graphs[name] ?? canarySource?.graphs[name]
}

/** Where ONNX Runtime can load a graph: one with external data needs its files beside it, under their names. */
async function graphPlace(
  { recipe, files, tempDir }: BuildOptions,
  { file, externalData = [] }: RecipeGraphFiles,
  name: string,
): Promise<GraphPlace> {
  const where = `${recipe.id}: ${name} (${file})`
  if (externalData.length === 0) return { path: entry(files, file).path, externalData, where }
  const folder = join(tempDir, 'graphs')
  for (const linked of [file, ...externalData]) {
    const place = join(folder, linked)
    await mkdir(dirname(place), { recursive: true })
    // Not a symbolic link: ONNX Runtime reads no data from outside the graph's folder. Another disk needs a copy.
    const { path } = entry(files, linked)
    await rm(place, { force: true })
    await link(path, place).catch(() => copyFile(path, place))
  }
  const path = join(folder, file)
  return { path, externalData: externalData.map((data) => relative(dirname(path), join(folder, data))), where }
}

function provenanceOf({ recipe, recipeSha256, files }: BuildOptions): Manifest['provenance'] {
  const sources = Object.entries(recipe.files).map(([name, file]) => {
    return { file: name, source: entry(files, name).source, sha256: file.sha256 }
  })
  return [{ file: recipeFileName, source: `file:${recipeFileName}`, sha256: recipeSha256 }, ...sources]
}

/**
 * The same on every machine: it leaves out where files came from and which tool packed them, and also the canary's
 * values, whose last digits differ from processor to processor and follow from the file and the input anyway. Nor does
 * the cost count: a better guess of a model's speed makes no other model.
 */
function revisionOf(content: object): string {
  const canonical = JSON.stringify(content, function (this: object, key, value: unknown) {
    if (key === 'values' && 'stride' in this) return undefined
    return isRecord(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value
  })
  return sha256(canonical).slice(0, 16)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function entry<T>(map: ReadonlyMap<string, T>, name: string): T {
  const found = map.get(name)
  if (found === undefined) throw new PackError(`the recipe names a file "${name}" that was not prepared`)
  return found
}
