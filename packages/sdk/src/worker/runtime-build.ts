/** Chooses, loads and warms a build of ONNX Runtime Web: only the one that a backend needs. */
import type * as Ort from 'onnxruntime-web'
import type { Backend } from '../contract/index.js'
import { EdgewardError, toEdgewardError } from '../errors/index.js'
import { LaneQueue } from './lane-queue.js'
import { runtimeDigests } from './runtime-digests.js'
import { compileBinary, loadGlue, judgeBinary, withModule } from './runtime-module.js'

export type OrtModule = typeof Ort

/** A loaded build. All work on it goes through its queue: neither JSPI nor asyncify can be entered twice at a time. */
export interface Runtime {
  readonly ort: OrtModule
  readonly queue: LaneQueue
}

export interface RuntimeBuild {
  readonly name: 'wasm' | 'jspi' | 'asyncify'
  /** The JavaScript front end, the Emscripten glue and the binary. */
  readonly files: { readonly script: URL; readonly mjs: URL; readonly wasm: URL }
}

/** An ONNX model of one Identity on one number: creating its session starts the runtime while weights still travel. */
const identityModel = 'CAg6NwoQCgF4EgF5IghJZGVudGl0eRIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCAhAN'

/**
 * The build for a backend: plain WASM for the CPU (up to five times faster there than the others), JSPI for WebGPU where
 * the browser has it, else asyncify.
 */
export function buildFor(backend: Backend, hasJspi: boolean): RuntimeBuild {
  // Each URL is written out, so that bundlers find the files and emit them as they are.
  if (backend === 'wasm') {
    return {
      name: 'wasm',
      files: {
        script: new URL('./ort/ort.wasm.min.mjs', import.meta.url),
        mjs: new URL('./ort/ort-wasm-simd-threaded.mjs', import.meta.url),
        wasm: new URL('./ort/ort-wasm-simd-threaded.wasm', import.meta.url),
      },
    }
  }
  if (hasJspi) {
    return {
      name: 'jspi',
      files: {
        script: new URL('./ort/ort.jspi.min.mjs', import.meta.url),
        mjs: new URL('./ort/ort-wasm-simd-threaded.jspi.mjs', import.meta.url),
        wasm: new URL('./ort/ort-wasm-simd-threaded.jspi.wasm', import.meta.url),
      },
    }
  }
  return {
    name: 'asyncify',
    files: {
      script: new URL('./ort/ort.webgpu.min.mjs', import.meta.url),
      mjs: new URL('./ort/ort-wasm-simd-threaded.asyncify.mjs', import.meta.url),
      wasm: new URL('./ort/ort-wasm-simd-threaded.asyncify.wasm', import.meta.url),
    },
  }
}

export interface StartOptions {
  /** WASM threads; more than one needs a cross-origin isolated page. */
  readonly threads: number
  /** Another number after a start that failed: ONNX Runtime never tries again, so its script is loaded afresh. */
  readonly attempt: number
}

/**
 * Loads a build and starts it, so that a session can be created without further waiting. Its three files are fetched at
 * once; the binary is checked by its digest before anything of it runs.
 *
 * @throws EdgewardError RUNTIME_FAILED when a file cannot be loaded or is another one, or WebAssembly cannot start
 */
export async function startRuntime({ name, files }: RuntimeBuild, options: StartOptions): Promise<Runtime> {
  try {
    const [ort, glue, module] = await Promise.all([
      import(/* @vite-ignore */ /* webpackIgnore: true */ afresh(files.script, options).href) as Promise<OrtModule>,
      loadGlue(afresh(files.mjs, options), options.threads),
      compileBinary(files.wasm, runtimeDigests[name]),
    ])
    glue.replaceFactory((factory) => withModule(factory, module))
    ort.env.wasm.numThreads = options.threads
    ort.env.wasm.wasmPaths = { mjs: glue.url }
    ort.env.logLevel = 'error'
    await warmUp(ort).finally(glue.release)
    return { ort, queue: new LaneQueue() }
  } catch (error) {
    throw await explain(error, name, files.wasm)
  }
}

async function warmUp({ InferenceSession }: OrtModule): Promise<void> {
  const session = await InferenceSession.create(base64ToBytes(identityModel), { executionProviders: ['wasm'] })
  await session.release()
}

/** A module is one for each address, fragment included. */
function afresh(script: URL, { attempt }: StartOptions): URL {
  const address = new URL(script)
  if (attempt > 0) address.hash = String(attempt)
  return address
}

async function explain(error: unknown, build: RuntimeBuild['name'], binary: URL): Promise<EdgewardError> {
  // A network that is lost again says nothing new.
  const wrongFile = await judgeBinary(binary, runtimeDigests[build]).catch(() => undefined)
  if (wrongFile !== undefined) return wrongFile
  const { message } = toEdgewardError(error, 'RUNTIME_FAILED', `The ${build} build of ONNX Runtime could not start`)
  return new EdgewardError('RUNTIME_FAILED', message, { details: { build, url: binary.href }, cause: error })
}

function base64ToBytes(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}
