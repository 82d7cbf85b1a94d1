/** A file beside the recipe. */
import { copyFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { PackError } from '../pack-error.js'
import type { FetchSource } from './fetch-context.js'

export const fetchFromFile: FetchSource<'file'> = async ({ path }, target, { recipeDir }) => {
  const from = resolve(recipeDir, path)
  try {
    await copyFile(from, target)
  } catch (cause) {
    throw new PackError(`there is no readable file ${from}`, { cause })
  }
}
