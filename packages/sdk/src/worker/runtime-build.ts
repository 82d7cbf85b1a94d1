/** Chooses, loads and warms a build of ONNX Runtime Web: only the one that a backend needs. */
import type * as Ort from 'onnxruntime-web'
import type { Backend } from '../contract/index.js'
import { EdgewardError, isEdgewardError, messageOf, type ErrorDetails } from '../errors/index.js'
import { LaneQueue } from './lane-queue.js'
import { runtimeDigests } from './runtime-digests.js'
import { RuntimeMemory } from './runtime-memory.js'
import { compileBinary, loadGlue, judgeBinary, withModule } from './runtime-module.js'
import { StartSteps } from './start-steps.js'
import { isThreadFailure, withThreads } from './thread-failure.js'
import { fromThrown } from './thrown.js'
import { Trust } from './trust.js'

export type OrtModule = typeof Ort

/** A loaded build. All work on it goes through its queue: neither JSPI nor asyncify can be entered twice at a time. */
export interface Runtime {
  readonly ort: OrtModule
  readonly queue: LaneQueue
  readonly memory: RuntimeMemory
  readonly trust: Trust
  /** The Emscripten module of the plain build, whose exports are no public contract: for ort-heap.ts alone. */
  readonly emscripten?: unknown
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
  /** How long it may take once its binary has come. */
  readonly boundMs?: number
}

/** What is wrong with a file is worth no longer a wait. */
const judgementMs = 30_000

/**
 * Loads a build and starts it, so that a session can be created without further waiting. Its three files are fetched at
 * once; the binary is checked by its digest before anything of it runs. Where threads cannot be started, it starts without.
 *
 * @throws EdgewardError RUNTIME_FAILED when a file cannot be loaded or is another one, WebAssembly cannot start, or the start
 *   hangs
 */
export async function startRuntime(build: RuntimeBuild, options: StartOptions): Promise<Runtime> {
  try {
    return await start(build, options)
  } catch (error) {
    if (options.threads === 1 || !isThreadFailure(error)) throw await explain(error, build)
    // Between this attempt and the next one of the pool.
    const alone = { ...options, threads: 1, attempt: options.attempt + 0.5 }
    return start(build, alone).catch(async (again: unknown) => {
      throw await explain(again, build, { withThreads: messageOf(error) })
    })
  }
}

async function start({ name, files }: RuntimeBuild, options: StartOptions): Promise<Runtime> {
  const steps = new StartSteps(options.boundMs)
  const memory = new RuntimeMemory()
  const importing = import(/* @vite-ignore */ /* webpackIgnore: true */ afresh(files.script, options).href)
  const binary = compileBinary(files.wasm, runtimeDigests[name], () => steps.filesCame())
  try {
    const [ort, glue, module] = await Promise.all([
      steps.take('script', importing as Promise<OrtModule>),
      steps.take('glue', loadGlue(afresh(files.mjs, options), options.threads)),
      steps.take('binary', binary),
    ])
    let emscripten: unknown
    glue.replaceFactory((factory) => async (own) => {
      const made = await withModule(factory, module, memory, steps)(own)
      // In the others, runs are suspended and cannot be called from elsewhere.
      if (name === 'wasm') emscripten = made
      return made
    })
    ort.env.wasm.numThreads = options.threads
    ort.env.wasm.wasmPaths = { mjs: glue.url }
    ort.env.logLevel = 'error'
    const warming = options.threads > 1 ? withThreads(warmUp(ort)) : warmUp(ort)
    await steps.take('session', warming).finally(glue.release)
    return { ort, queue: new LaneQueue(), memory, trust: new Trust(), emscripten }
  } finally {
    steps.end()
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

async function explain(
  error: unknown,
  { name, files }: RuntimeBuild,
  details: ErrorDetails = {},
): Promise<EdgewardError> {
  const url = files.wasm
  const own = { ...details, build: name, url: url.href }
  if (!isHanging(error)) {
    // A network that is lost again says nothing new.
    const judging = judgeBinary(url, runtimeDigests[name], AbortSignal.timeout(judgementMs))
    const wrongFile = await judging.catch(() => undefined)
    if (wrongFile !== undefined) return wrongFile
  }
  const known = fromThrown(error, 'RUNTIME_FAILED', `The ${name} build of ONNX Runtime could not start`)
  return new EdgewardError('RUNTIME_FAILED', known.message, { details: { ...known.details, ...own }, cause: error })
}

function isHanging(error: unknown): boolean {
  return isEdgewardError(error) && 'steps' in error.details
}

function base64ToBytes(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}
