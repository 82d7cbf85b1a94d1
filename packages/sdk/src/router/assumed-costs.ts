/** What the cost model assumes of devices, models and networks until it is measured: every number with its source. */
import type { Backend, VariantDtype } from '../contract/index.js'

/** Bytes of one weight as a variant stores it; 4-bit blocks of 32 have a scale each. */
export const bytesPerWeight: Readonly<Record<VariantDtype, number>> = Object.freeze({
  fp32: 4,
  fp16: 2,
  q8: 1,
  int8: 1,
  q4: 0.5625,
  q4f16: 0.5625,
})

/**
 * What part of the benchmark's matrix multiplication whole models reach. WASM: the benchmark, whose matrices fit into the first
 * cache, gave 22–43e9 operations a second on one thread of the machine where MiniLM needed 128–169 ms for a text of 128
 * tokens at two threads, 18e9 a second: about 0.3. WebGPU: runs are many small dispatches with little work each; 0.25 is a
 * guess that errs on the slow side.
 */
export const efficiency: Readonly<Record<Backend, number>> = Object.freeze({ wasm: 0.3, webgpu: 0.25 })

/**
 * What the benchmark is taken for before it has run, in floating-point operations a second: WASM on a slower machine than
 * that one; WebGPU on a weak integrated GPU, since most have several hundred.
 */
export const assumedFlops: Readonly<Record<Backend, number>> = Object.freeze({ wasm: 20e9, webgpu: 100e9 })
/** SwiftShader took 19–43 s for a run that took WASM 0.1 s. */
export const softwareGpuFlops = 0.1e9

/** What a second and each further WASM thread adds to one: two were up to 2.1 times as fast as one, with little else to do. */
export const gainPerThread = 0.8

/**
 * What each run takes whatever its size: the way to the worker and back; on WebGPU about a hundred dispatches of 24–36 µs
 * (arXiv 2604.02344), and the reading back.
 */
export const fixedRunMs: Readonly<Record<Backend, number>> = Object.freeze({ wasm: 1, webgpu: 6 })

/**
 * `MatMulNBits` on WASM dequantises all weights in every run, whatever its size: 33.6 million took 178 ms where multiplying
 * one row in float, two operations a weight, took 11 ms. So it costs each weight as much as 30 operations.
 */
export const operationsToDequantise = 30

/** Whether a variant pays for that. */
export function isDequantisedEachRun(dtype: VariantDtype, backend: Backend): boolean {
  return backend === 'wasm' && (dtype === 'q4' || dtype === 'q4f16')
}

/** How much slower a busy CPU makes runs that were not measured; measured ones show it themselves. Guesses. */
export const slowdownUnderPressure = Object.freeze({ nominal: 1, fair: 1, serious: 1.5, critical: 2.5 })

/**
 * A load from the cache: 90 MB took 1.7 s from an idle browser, 540 MB 4.9 s. So 0.8 s for the runtime and the session, and
 * 110 MB a second to read, check and prepack the weights. WebGPU compiles its shaders besides: a guess.
 */
export const loadFixedMs: Readonly<Record<Backend, number>> = Object.freeze({ wasm: 800, webgpu: 1_500 })
export const loadBytesPerSecond = 110e6

/** ONNX Runtime's files, the largest build as brotli has it: 3.92 MB. */
export const runtimeBytes = 4e6

/** A slow home connection, or a good mobile one. */
export const assumedBytesPerSecond = 2e6

/**
 * Peak bytes of memory for each byte of weights. WASM: the heap nears two, since prepacking copies matrices before the
 * originals are freed, and a heap never shrinks. WebGPU: the weights on the GPU, and the staging buffers that they pass.
 */
export const memoryPerWeightByte: Readonly<Record<Backend, number>> = Object.freeze({ wasm: 2, webgpu: 1.5 })

/** An endpoint that was never asked: a round trip where the browser tells none, and a run. */
export const assumedRoundTripMs = 100
export const assumedEndpointRunMs = 200

/** How many times longer than typical things may take, once in twenty times, by what their estimate rests on. Guesses. */
export const highFactor = Object.freeze({
  /** A run, from a benchmark. */
  benchmark: 3,
  /** A run, or an answer of an endpoint, from nothing. */
  assumed: 6,
  /** A load from the cache that was never measured. */
  load: 3,
  /** A download at the rate that this page's downloads had. */
  measuredLink: 1.5,
  /** At the rate that the browser tells: rounded, and no more than 10 Mbit/s in Chromium. */
  toldLink: 2.5,
  /** At a rate that nobody told. */
  assumedLink: 4,
  /** The wait that an endpoint expects. */
  queue: 2,
})

/** From this drift of measured runs on, what is happening now outweighs what was. */
export const driftThatCounts = 1.25
