/** Loads what generates text: a file of its own beside the worker's, fetched when a language model is there. */
import { toEdgewardError } from '../errors/index.js'
import type { ModelDrafts } from '../weights/index.js'

type GenerationFile = typeof import('./generation-worker.js')

/** @throws EdgewardError RUNTIME_FAILED when the file cannot be loaded */
export async function loadGeneration(): Promise<GenerationFile> {
  // Written out, so that bundlers find the file and emit it as it is.
  const { href } = new URL('./generation-worker.js', import.meta.url)
  const load = (url: string) => import(/* @vite-ignore */ /* webpackIgnore: true */ url) as Promise<GenerationFile>
  try {
    // Some browsers never ask again for a module that failed; one of another fragment is another module.
    return await load(href).catch(() => load(`${href}#again`))
  } catch (cause) {
    throw toEdgewardError(cause, 'RUNTIME_FAILED', `The code that generates text could not be loaded from ${href}`)
  }
}

export const drafts: ModelDrafts = Object.freeze({
  gguf: async (source) => (await loadGeneration()).draftGguf(source),
  languageModel: async (repository) => (await loadGeneration()).languageModelLayout(repository),
} satisfies ModelDrafts)
