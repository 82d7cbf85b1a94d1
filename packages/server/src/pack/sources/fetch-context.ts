/** What every source gets to work with, and what it must do. */
import type { PackageShelf } from './package-shelf.js'
import type { Source } from './parse-source.js'

export interface FetchContext {
  /** The folder of the recipe, which `file:` sources are relative to. */
  readonly recipeDir: string
  /** The packages that this run has already downloaded. */
  readonly packages: PackageShelf
  readonly signal: AbortSignal
  /** How many bytes have arrived, and how many there will be if that is known. */
  readonly onBytes: (loadedBytes: number, totalBytes?: number) => void
}

/** Writes the source's file to `target`, a path where nothing is yet; throws with a message that says what is wrong. */
export type FetchSource<K extends Source['kind']> = (
  source: Extract<Source, { kind: K }>,
  target: string,
  context: FetchContext,
) => Promise<void>
