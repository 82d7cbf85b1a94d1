/** Reads a recipe, and refuses one that is wrong with the path of the wrong field. */
import {
  backendsSchema,
  canaryInputSchema,
  configSchema,
  countSchema,
  describeIssue,
  idSchema,
  pathSchema,
  sha256Schema,
  taskSchema,
  textSchema,
  toleranceSchema,
  variantDtypeSchema,
} from 'edgeward/manifest'
import * as v from 'valibot'
import { PackError } from './pack-error.js'
import { parseSource } from './sources/parse-source.js'

const recipeFileSchema = v.strictObject({
  sha256: sha256Schema,
  bytes: v.exactOptional(countSchema),
  sources: v.pipe(v.array(textSchema), v.minLength(1, 'at least one source')),
})

const graphFiles = { file: textSchema, externalData: v.exactOptional(v.array(textSchema)) }

const recipeCanarySchema = v.strictObject({
  inputs: v.record(v.string(), canaryInputSchema),
  tolerance: v.exactOptional(toleranceSchema),
})

const recipeGraphSchema = v.strictObject({ ...graphFiles, canary: v.exactOptional(recipeCanarySchema) })

/** Graphs of the fp32 model that canaries are made from, and that are not shipped. */
const canarySourceSchema = v.strictObject({ graphs: v.record(v.string(), v.strictObject(graphFiles)) })

const recipeVariantSchema = v.strictObject({
  dtype: variantDtypeSchema,
  backends: backendsSchema,
  graphs: v.pipe(v.record(v.string(), recipeGraphSchema), v.minEntries(1, 'at least one graph')),
})

const recipeSchema = v.strictObject({
  id: idSchema,
  task: taskSchema,
  licence: textSchema,
  config: configSchema,
  comment: v.exactOptional(textSchema),
  operationsPerUnit: v.exactOptional(v.pipe(countSchema, v.minValue(1, 'one or more'))),
  files: v.record(pathSchema, recipeFileSchema),
  assets: v.record(v.string(), textSchema),
  canarySource: v.exactOptional(canarySourceSchema),
  variants: v.tupleWithRest([recipeVariantSchema], recipeVariantSchema),
})

/** What `recipe.json` holds; `docs/manifests-and-recipes.md` explains every field. */
export type Recipe = v.InferOutput<typeof recipeSchema>
export type RecipeFile = v.InferOutput<typeof recipeFileSchema>
export type RecipeGraph = v.InferOutput<typeof recipeGraphSchema>
export type RecipeCanary = NonNullable<RecipeGraph['canary']>
/** The files of a graph. */
export type RecipeGraphFiles = Pick<RecipeGraph, 'file' | 'externalData'>

/**
 * Checks what a `recipe.json` holds. Unlike a manifest's, its unknown keys are refused: people write recipes, and make
 * spelling mistakes.
 *
 * @param where The recipe's path, for the message.
 * @throws {PackError}
 */
export function parseRecipe(json: unknown, where: string): Recipe {
  const parsed = v.safeParse(recipeSchema, json, { abortEarly: true })
  if (!parsed.success) {
    const { path, problem } = describeIssue(parsed.issues[0])
    throw new PackError(`${where}: ${path === '' ? 'the recipe' : path} ${problem}`)
  }
  checkSources(parsed.output, where)
  checkFileNames(parsed.output, where)
  checkCanarySource(parsed.output, where)
  return parsed.output
}

function checkSources({ files }: Recipe, where: string): void {
  for (const [name, { sources }] of Object.entries(files)) {
    for (const [index, source] of sources.entries()) {
      if (parseSource(source)) continue
      const right =
        'npm:NAME@VERSION/PATH, pypi:NAME==VERSION/PATH, hf:ORG/REPO@REVISION/PATH or file:PATH (relative to the recipe)'
      throw new PackError(`${where}: files["${name}"].sources[${index}] is "${source}", should be ${right}`)
    }
  }
}

/** Every file that is named exists in `files`, and every file in `files` is named. */
function checkFileNames(recipe: Recipe, where: string): void {
  const unused = new Set(Object.keys(recipe.files))
  for (const { path, file } of namedFiles(recipe)) {
    if (!Object.hasOwn(recipe.files, file)) {
      const known = Object.keys(recipe.files).join(', ') || 'none'
      throw new PackError(`${where}: ${path} is "${file}", should be a name in files (${known})`)
    }
    unused.delete(file)
  }
  const [first] = unused
  if (first === undefined) return
  throw new PackError(`${where}: files["${first}"] is used by no graph and no asset: name it there, or take it out`)
}

/** A graph that canaries could be made from in two ways would leave open which is right. */
function checkCanarySource({ canarySource, variants }: Recipe, where: string): void {
  const fp32 = variants.find(({ dtype }) => dtype === 'fp32')
  for (const name of Object.keys(canarySource?.graphs ?? {})) {
    const path = `canarySource.graphs.${name}`
    if (fp32 && Object.hasOwn(fp32.graphs, name)) {
      throw new PackError(`${where}: ${path} is not needed: canaries are made from the fp32 variant's graph ${name}`)
    }
    if (variants.some(({ graphs }) => Object.hasOwn(graphs, name))) continue
    const known = variants.flatMap(({ graphs }) => Object.keys(graphs)).join(', ')
    throw new PackError(`${where}: ${path} names no graph of a variant, should be one of: ${known}`)
  }
}

/** The names of the files that a packed model has: all but those that only its canaries are made from. */
export function shippedFiles(recipe: Recipe): ReadonlySet<string> {
  return new Set(Array.from(shippedNames(recipe), ({ file }) => file))
}

interface NamedFile {
  readonly path: string
  readonly file: string
}

function* namedFiles(recipe: Recipe): Generator<NamedFile> {
  yield* shippedNames(recipe)
  yield* graphNames(recipe.canarySource?.graphs ?? {}, 'canarySource.graphs')
}

function* shippedNames({ assets, variants }: Recipe): Generator<NamedFile> {
  for (const [role, file] of Object.entries(assets)) yield { path: `assets.${role}`, file }
  for (const [index, { graphs }] of variants.entries()) yield* graphNames(graphs, `variants[${index}].graphs`)
}

function* graphNames(graphs: Readonly<Record<string, RecipeGraphFiles>>, path: string): Generator<NamedFile> {
  for (const [name, { file, externalData = [] }] of Object.entries(graphs)) {
    yield { path: `${path}.${name}.file`, file }
    for (const [place, data] of externalData.entries()) {
      yield { path: `${path}.${name}.externalData[${place}]`, file: data }
    }
  }
}
