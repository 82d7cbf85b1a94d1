/** Packs a GGUF as it is, without a recipe: what one would say is read from its header. */
import { basename, dirname, resolve } from 'node:path'
import { digestFile } from './digest-file.js'
import { readDraft } from './gguf-draft.js'
import { packRecipe, type PackingOptions, type PackResult } from './pack-model.js'

export interface PackGgufOptions extends PackingOptions {
  /** The path of the file. */
  readonly file: string
  /** The model's id. Default: the file's name without `.gguf`. */
  readonly id?: string
  /** An SPDX expression. Default: what the file says, else `NOASSERTION`. */
  readonly licence?: string
}

/**
 * Writes `<out>/<id>/manifest.json` with the file beside it, in every variant that can be made of it.
 *
 * @throws {PackError} when it is no GGUF, or none that can be run.
 */
export async function packGguf({ file, id, licence, ...options }: PackGgufOptions): Promise<PackResult> {
  const path = resolve(file)
  const name = basename(path)
  const draft = await readDraft(path, name)
  const { sha256, bytes } = await digestFile(path, options.signal)
  const recipe = {
    id: id ?? name.replace(/\.gguf$/i, ''),
    task: 'text-generation',
    licence: licence ?? draft.licence,
    config: {},
    files: { [name]: { sha256, bytes, sources: [`file:${name}`] } },
    assets: {},
    variants: draft.variants.map(({ dtype, backends }) => ({ dtype, backends, graphs: { model: { file: name } } })),
  }
  return packRecipe({ text: JSON.stringify(recipe), dir: dirname(path), where: name }, options)
}
