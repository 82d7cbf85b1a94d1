/** The variants of a GGUF that is packed as it is: what it takes and gives is the graph that is built when it is loaded. */
import type { Manifest, ManifestFile } from 'edgeward/manifest'
import { readDraft } from './gguf-draft.js'
import { PackError } from './pack-error.js'
import type { Recipe } from './recipe.js'
import type { ResolvedFile } from './resolve-files.js'

interface GgufRecipe {
  readonly recipe: Recipe
  readonly files: ReadonlyMap<string, ResolvedFile>
}

/**
 * What the SDK itself would make of a recipe's GGUF; undefined where it has none.
 *
 * @throws {PackError} when the GGUF cannot be run, or when the recipe mixes it with ONNX files.
 */
export async function draftOf({ recipe, files }: GgufRecipe): Promise<Manifest | undefined> {
  const names = new Set(recipe.variants.flatMap(({ graphs }) => Object.values(graphs).map(({ file }) => file)))
  const [path, ...others] = [...names].filter((name) => name.endsWith('.gguf'))
  if (path === undefined) return undefined
  if (names.size > 1) {
    throw new PackError(
      `${recipe.id}: all variants should be made of ${path}, not also of ${[...names, ...others].at(-1)}`,
    )
  }
  return readDraft(files.get(path)?.path ?? path, path)
}

/** @throws {PackError} for a variant that cannot be made of the GGUF. */
export function ggufVariants(
  { id, variants }: Recipe,
  draft: Manifest,
  described: ReadonlyMap<string, ManifestFile>,
): Manifest['variants'] {
  const [best, ...others] = variants.map(({ dtype, backends, graphs }) => {
    const made = draft.variants.find((variant) => variant.dtype === dtype && isSame(variant.backends, backends))
    const graph = made?.graphs['model']
    const file = described.get(graphs['model']?.file ?? '')
    if (made === undefined || graph === undefined || file === undefined) {
      const right = draft.variants.map((variant) => `${variant.dtype} for ${variant.backends.join()}`).join(', ')
      throw new PackError(`${id}: ${dtype} for ${backends.join()} cannot be made of the GGUF; what can: ${right}`)
    }
    return { ...made, graphs: { model: { ...graph, file } } }
  })
  if (best === undefined) throw new PackError(`${id}: the recipe has no variant`)
  return [best, ...others]
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.join() === others.join()
}
