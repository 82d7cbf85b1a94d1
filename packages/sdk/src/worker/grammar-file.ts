/** Loads the engine of grammars: a file of its own beside the worker's, fetched when a request asks for a format. */
import { toEdgewardError } from '../errors/index.js'
import type { GrammarEngine } from '../generation/index.js'

/** @throws EdgewardError RUNTIME_FAILED when the file cannot be loaded */
export async function loadGrammar(): Promise<GrammarEngine> {
  // Written out, so that bundlers find the file and emit it as it is.
  const { href } = new URL('./grammar.js', import.meta.url)
  const load = (url: string) => import(/* @vite-ignore */ /* webpackIgnore: true */ url) as Promise<GrammarEngine>
  try {
    // Some browsers never ask again for a module that failed; one of another fragment is another module.
    return await load(href).catch(() => load(`${href}#again`))
  } catch (cause) {
    throw toEdgewardError(cause, 'RUNTIME_FAILED', `The code that keeps to formats could not be loaded from ${href}`)
  }
}
