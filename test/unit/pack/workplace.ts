/** A temporary folder with a recipe of a tiny model in it, and what the packing tool said. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { pack, type PackOptions, type PackProgress } from '../../../packages/server/src/pack.js'
import type { Recipe } from '../../../packages/server/src/pack/recipe.js'

export const tinyMlp = fileURLToPath(new URL('../../../models/tiny-mlp/', import.meta.url))

export interface Workplace {
  /** The folder with `recipe.json` and `model.onnx`. */
  readonly recipe: string
  readonly out: string
  readonly cache: string
  /** Everything that was said, oldest first. */
  readonly said: PackProgress[]
  pack(options?: Partial<PackOptions>): ReturnType<typeof pack>
  /** Writes the recipe anew. */
  edit(change: (recipe: Recipe) => unknown): Promise<void>
}

/** Removed when the test ends. */
export async function createWorkplace(): Promise<Workplace> {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-pack-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const place = { recipe: join(dir, 'recipe'), out: join(dir, 'out'), cache: join(dir, 'cache') }
  await cp(tinyMlp, place.recipe, { recursive: true })
  const said: PackProgress[] = []
  const recipeFile = join(place.recipe, 'recipe.json')
  return {
    ...place,
    said,
    pack: (options) =>
      pack({
        recipe: place.recipe,
        out: place.out,
        cacheDir: place.cache,
        onProgress: (progress) => said.push(progress),
        ...options,
      }),
    async edit(change) {
      const recipe = JSON.parse(await readFile(recipeFile, 'utf8')) as Recipe
      await writeFile(recipeFile, JSON.stringify(change(recipe)))
    },
  }
}

/** The same recipe with other sources for its one file. */
export function withSources(...sources: string[]): (recipe: Recipe) => Recipe {
  return (recipe) => {
    const file = recipe.files['model.onnx']
    if (!file) throw new Error('tiny-mlp has no model.onnx')
    return { ...recipe, files: { 'model.onnx': { ...file, sources } } }
  }
}

/** Every file and folder below `dir`, sorted; nothing when `dir` is not there. */
export async function listAll(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true }).catch(() => [])
  return entries.sort()
}
