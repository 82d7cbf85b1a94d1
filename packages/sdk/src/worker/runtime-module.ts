/** Loads the two parts of an ONNX Runtime build that start it: its binary, checked and compiled, and its Emscripten glue. */
import { EdgewardError } from '../errors/index.js'
import type { RuntimeMemory } from './runtime-memory.js'
import type { StartSteps } from './start-steps.js'

/** What an Emscripten factory asks `instantiateWasm` to call. */
type ReceiveInstance = (instance: WebAssembly.Instance, module: WebAssembly.Module) => void

/** Emscripten's own interface: https://emscripten.org/docs/api_reference/module.html#Module.instantiateWasm */
interface EmscriptenOptions {
  instantiateWasm?(imports: WebAssembly.Imports, receive: ReceiveInstance): object
}

type EmscriptenFactory = (options: EmscriptenOptions) => Promise<unknown>

/** The glue as the build has wrapped it (rolldown.config.mjs): the factory that ONNX Runtime gets from it can be replaced. */
interface Glue {
  replaceFactory(replace: (factory: EmscriptenFactory) => EmscriptenFactory): void
}

/** A loaded glue, to be imported from `url` by ONNX Runtime. */
interface LoadedGlue extends Glue {
  readonly url: string
  /** Once the runtime has started, nobody imports it any more. */
  release(): void
}

/**
 * Loads the glue. With threads it starts workers from its own address, which must be of the page's origin: one of another
 * origin is copied.
 */
export async function loadGlue(address: URL, threads: number): Promise<LoadedGlue> {
  const isCopied = threads > 1 && address.origin !== location.origin
  const url = isCopied ? URL.createObjectURL(await (await fetch(address)).blob()) : address.href
  const { replaceFactory } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ url)) as Glue
  return { url, replaceFactory, release: () => isCopied && URL.revokeObjectURL(url) }
}

/** A factory that instantiates a module which is compiled already, instead of fetching it, and tells where its memory is. */
export function withModule(
  factory: EmscriptenFactory,
  module: WebAssembly.Module,
  memory: RuntimeMemory,
  steps: StartSteps,
): EmscriptenFactory {
  return (options) =>
    new Promise((resolve, reject) => {
      const instantiateWasm: EmscriptenOptions['instantiateWasm'] = (imports, receive) => {
        // Emscripten waits for `receive` for ever: a failure ends the start here.
        steps
          .take('instance', WebAssembly.instantiate(module, imports))
          .then((instance) => {
            memory.lookIn(imports, instance.exports)
            receive(instance, module)
          })
          .catch(reject)
        return {} // Means: the exports come later.
      }
      factory({ ...options, instantiateWasm }).then(resolve, reject)
    })
}

/**
 * Fetches the binary and compiles it; the browser checks its digest. Rejects as `fetch` does when that is another one, so
 * that {@link judgeBinary} should be asked why.
 *
 * @param integrity `sha256-…`, as {@link RequestInit} has it
 * @param onCame - called when all of it has come, before it is compiled
 */
export async function compileBinary(url: URL, integrity: string, onCame: () => void): Promise<WebAssembly.Module> {
  // With a digest to check, it resolves when the whole body is there (https://fetch.spec.whatwg.org/#main-fetch, step 22).
  const response = await fetch(url, { integrity })
  onCame()
  // Browsers refuse to compile a stream of any other type; many servers do not know this one.
  const isStreamable = response.headers.get('content-type')?.toLowerCase() === 'application/wasm'
  return isStreamable ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer())
}

/**
 * Says what is wrong with a binary that did not start, if it is the file: browsers do not tell a wrong digest from a lost
 * network, and the commonest deployment mistake is a server that answers HTML. Nothing of it is run.
 */
export async function judgeBinary(
  url: URL,
  integrity: string,
  signal: AbortSignal,
): Promise<EdgewardError | undefined> {
  const response = await fetch(url, { signal }).catch(() => undefined)
  if (response === undefined) return undefined
  const { ok, status, headers } = response
  const contentType = headers.get('content-type') ?? 'nothing'
  const wrong = (what: string, details: Readonly<Record<string, unknown>>) => {
    const message = `ONNX Runtime's file ${url.href} is not ${what}. Serve Edgeward's dist/ folder as it is.`
    return new EdgewardError('RUNTIME_FAILED', message, { details: { url: url.href, ...details } })
  }
  if (!ok || contentType.startsWith('text/html')) {
    return wrong(`there: status ${status}, content type ${contentType}`, { status, contentType })
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await response.arrayBuffer()))
  const found = `sha256-${btoa(String.fromCharCode(...digest))}`
  if (found === integrity) return undefined
  const what = `the one that Edgeward was built with: its digest is ${found}, it should be ${integrity}. It was changed, or is of another version, and nothing of it was run`
  return wrong(what, { found, expected: integrity })
}
