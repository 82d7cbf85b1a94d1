/** Loads what generates text: a file of its own beside the worker's, fetched when a language model is there. */
import type { ModelDrafts } from '../weights/index.js'
import { importBeside } from './import-beside.js'

type GenerationFile = typeof import('./generation-worker.js')

/** @throws EdgewardError RUNTIME_FAILED when the file cannot be loaded */
export async function loadGeneration(): Promise<GenerationFile> {
  return (await importBeside(new URL('./generation-worker.js', import.meta.url), 'generates text')) as GenerationFile
}

export const drafts: ModelDrafts = Object.freeze({
  gguf: async (source) => (await loadGeneration()).draftGguf(source),
  languageModel: async (repository) => (await loadGeneration()).languageModelLayout(repository),
} satisfies ModelDrafts)
