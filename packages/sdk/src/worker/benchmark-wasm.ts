/** Measures one thread of WASM SIMD, in slices short enough that a request which arrives meanwhile does not wait. */
import { EdgewardError } from '../errors/index.js'

/** The compiled form of `benchmark.wat`, in base64; a test compares them. */
const moduleText = [
  'AGFzbQEAAAABBAFgAAADAgEABQMBAAEHFQIGbWVtb3J5AgAIbXVsdGlwbHkAAAr4AwH1AwIGfwt7QQAhAANAQQAhAQNA/QwAAAAAAAAAAAAAAA',
  'AAAAAAIQn9DAAAAAAAAAAAAAAAAAAAAAAhCv0MAAAAAAAAAAAAAAAAAAAAACEL/QwAAAAAAAAAAAAAAAAAAAAAIQz9DAAAAAAAAAAAAAAAAAAA',
  'AAAhDf0MAAAAAAAAAAAAAAAAAAAAACEO/QwAAAAAAAAAAAAAAAAAAAAAIQ/9DAAAAAAAAAAAAAAAAAAAAAAhECAAIQIgAEGAAmohBCABIQMDQC',
  'AD/QAEgIABIQYgA/0ABJCAASEHIAL9CQIAIQggCSAIIAb95gH95AEhCSAKIAggB/3mAf3kASEKIAL9CQKAAiEIIAsgCCAG/eYB/eQBIQsgDCAI',
  'IAf95gH95AEhDCAC/QkCgAQhCCANIAggBv3mAf3kASENIA4gCCAH/eYB/eQBIQ4gAv0JAoAGIQggDyAIIAb95gH95AEhDyAQIAggB/3mAf3kAS',
  'EQIANBgAJqIQMgAkEEaiICIARJDQALIAAgAWohBSAFIAn9CwSAgAIgBSAK/QsEkIACIAUgC/0LBICCAiAFIAz9CwSQggIgBSAN/QsEgIQCIAUg',
  'Dv0LBJCEAiAFIA/9CwSAhgIgBSAQ/QsEkIYCIAFBIGoiAUGAAkkNAAsgAEGACGoiAEGAgAFJDQALCw==',
].join('')

/** The matrices are of so many rows and columns: all three fit into the first cache of any processor. */
export const wasmSide = 64
const operations = 2 * wasmSide ** 3

const totalMs = 40
const sliceMs = 8

export interface BenchmarkClock {
  /** In milliseconds. */
  now(): number
  /** Resolves when whatever else the worker has to do has had its turn. */
  pause(): Promise<void>
}

export const realClock: BenchmarkClock = {
  now: () => performance.now(),
  pause: () => new Promise((resolve) => setTimeout(resolve, 0)),
}

/** What `benchmark.wat` exports: the product of the first two matrices in the memory becomes the third. */
export interface Multiplication {
  readonly memory: WebAssembly.Memory
  multiply(): void
}

/**
 * Floating-point operations a second: those of the fastest slice, since the first ones run before the browser has optimised
 * the code, and others may have been interrupted.
 *
 * @throws EdgewardError BACKEND_UNAVAILABLE where WASM SIMD is missing or forbidden; on abort, `signal.reason`
 */
export async function measureWasm(signal: AbortSignal, clock: BenchmarkClock = realClock): Promise<number> {
  const { memory, multiply } = await createMultiplication()
  new Float32Array(memory.buffer).fill(0.5)
  const startedAt = clock.now()
  let fastest = 0
  do {
    signal.throwIfAborted()
    fastest = Math.max(fastest, measureSlice(multiply, clock))
    await clock.pause()
  } while (clock.now() - startedAt < totalMs)
  signal.throwIfAborted()
  return fastest
}

export async function createMultiplication(): Promise<Multiplication> {
  try {
    const { instance } = await WebAssembly.instantiate(benchmarkModule())
    // The test of benchmark.wat holds it to these exports.
    return instance.exports as unknown as Multiplication
  } catch (cause) {
    throw new EdgewardError('BACKEND_UNAVAILABLE', 'WebAssembly SIMD cannot be used in this worker.', { cause })
  }
}

export function benchmarkModule(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(moduleText), (character) => character.charCodeAt(0))
}

function measureSlice(multiply: () => void, clock: BenchmarkClock): number {
  const startedAt = clock.now()
  let times = 0
  let ms: number
  do {
    multiply()
    times += 1
    ms = clock.now() - startedAt
  } while (ms < sliceMs)
  return (times * operations) / (ms / 1000)
}
