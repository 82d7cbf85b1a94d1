/** Chooses, loads and warms a build of ONNX Runtime Web: only the one that a backend needs. */
import type * as Ort from 'onnxruntime-web'
import type { Backend } from '../contract/index.js'
import { EdgewardError, toEdgewardError } from '../errors/index.js'
import { SerialQueue } from './serial-queue.js'

export type OrtModule = typeof Ort

/** A loaded build. All work on it goes through its queue: neither JSPI nor asyncify can be entered twice at a time. */
export interface Runtime {
  readonly ort: OrtModule
  readonly queue: SerialQueue
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
 * Loads a build and starts it, so that a session can be created without further waiting.
 *
 * @throws EdgewardError RUNTIME_FAILED when a file cannot be loaded or WebAssembly cannot start
 */
export async function startRuntime({ name, files }: RuntimeBuild, options: StartOptions): Promise<Runtime> {
  try {
    const script = new URL(files.script)
    // A module is one for each address, fragment included.
    if (options.attempt > 0) script.hash = String(options.attempt)
    const ort = (await import(/* @vite-ignore */ /* webpackIgnore: true */ script.href)) as OrtModule
    ort.env.wasm.numThreads = options.threads
    ort.env.wasm.wasmPaths = { mjs: files.mjs.href, wasm: files.wasm.href }
    ort.env.logLevel = 'error'
    const warmUp = await ort.InferenceSession.create(base64ToBytes(identityModel), { executionProviders: ['wasm'] })
    await warmUp.release()
    return { ort, queue: new SerialQueue() }
  } catch (error) {
    throw await explain(error, name, files.wasm)
  }
}

/** The commonest deployment mistake is a server that answers HTML for the `.wasm` file: say so instead of "bad magic". */
async function explain(error: unknown, name: string, wasm: URL): Promise<EdgewardError> {
  const response = await fetch(wasm, { method: 'HEAD' }).catch(() => undefined)
  const type = response?.headers.get('content-type') ?? 'nothing'
  const details = { build: name, url: wasm.href, status: response?.status, contentType: type }
  if (response !== undefined && (!response.ok || type.startsWith('text/html'))) {
    const message = `ONNX Runtime's file ${wasm.href} is not there: status ${response.status}, content type ${type}. Serve Edgeward's dist/ folder as it is.`
    return new EdgewardError('RUNTIME_FAILED', message, { details, cause: error })
  }
  const reason = toEdgewardError(error, 'RUNTIME_FAILED', `The ${name} build of ONNX Runtime could not start`)
  return new EdgewardError('RUNTIME_FAILED', reason.message, { details, cause: error })
}

function base64ToBytes(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}
