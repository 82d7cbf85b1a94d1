/** Loads a file of this SDK that lies beside the worker's. */
import { toEdgewardError } from '../errors/index.js'

/**
 * @param url - written out by the caller as `new URL('./…', import.meta.url)`, so that bundlers find the file and emit it as it is
 * @param what - what its code does, for the message
 * @throws EdgewardError RUNTIME_FAILED when it cannot be loaded
 */
export async function importBeside({ href }: URL, what: string): Promise<unknown> {
  const load = (address: string) => import(/* @vite-ignore */ /* webpackIgnore: true */ address) as Promise<unknown>
  try {
    // Some browsers never ask again for a module that failed; one of another fragment is another module.
    return await load(href).catch(() => load(`${href}#again`))
  } catch (cause) {
    throw toEdgewardError(cause, 'RUNTIME_FAILED', `The code that ${what} could not be loaded from ${href}`)
  }
}
