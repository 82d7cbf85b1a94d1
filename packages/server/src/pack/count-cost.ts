/** Counts what a model costs to run, from the shapes in its graphs: what a manifest's `cost` says. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { countParameters, type ModelCost, type VariantDtype } from 'edgeward/manifest'
import type { Recipe } from './recipe.js'

/** Variants whose weights of 4 bits lie two in a byte. */
const packedDtypes: readonly VariantDtype[] = ['q4', 'q4f16']

/**
 * Counted is the best variant whose weights have an element each; only where there is none, the best of those that are packed.
 *
 * @param pathOf Where a file of the recipe lies.
 */
export function countCost(recipe: Recipe, pathOf: (name: string) => string): ModelCost {
  const isPacked = ({ dtype }: Recipe['variants'][number]) => packedDtypes.includes(dtype)
  const variant = recipe.variants.find((candidate) => !isPacked(candidate)) ?? recipe.variants[0]
  const counts = Object.values(variant.graphs).map(({ file }) =>
    withFile(pathOf(file), (source) => countParameters(source, isPacked(variant), `${recipe.id}: ${file}`)),
  )
  return {
    parameters: counts.reduce((sum, { parameters }) => sum + parameters, 0),
    ...(recipe.operationsPerUnit !== undefined && { operationsPerUnit: recipe.operationsPerUnit }),
    largestTensorParameters: Math.max(...counts.map(({ largestTensorParameters }) => largestTensorParameters)),
  }
}

/** Reads a file by ranges: most of it are weights, which nobody asks for. */
function withFile<T>(path: string, work: (source: Parameters<typeof countParameters>[0]) => T): T {
  const file = openSync(path, 'r')
  const subarray = (begin: number, end: number) => {
    const bytes = new Uint8Array(end - begin)
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, begin))
  }
  try {
    return work({ byteLength: fstatSync(file).size, subarray })
  } finally {
    closeSync(file)
  }
}
