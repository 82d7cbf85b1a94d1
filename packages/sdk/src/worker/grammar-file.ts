/** Loads the engine of grammars: a file of its own beside the worker's, fetched when a request asks for a format. */
import type { GrammarEngine } from '../generation/index.js'
import { importBeside } from './import-beside.js'

/** @throws EdgewardError RUNTIME_FAILED when the file cannot be loaded */
export async function loadGrammar(): Promise<GrammarEngine> {
  return (await importBeside(new URL('./grammar.js', import.meta.url), 'keeps to formats')) as GrammarEngine
}
