/** Measures this device's arithmetic in less than 150 ms: what a plan rests on before a model was ever run. */
import type { Benchmark } from '../contract/index.js'
import { measureWasm } from './benchmark-wasm.js'
import { measureWebGpu } from './benchmark-webgpu.js'

/**
 * @param webgpu - whether there is a GPU to be measured, not one that the processor plays
 * @throws EdgewardError BACKEND_UNAVAILABLE where WASM SIMD is missing or forbidden; on abort, `signal.reason`
 */
export async function measureArithmetic(webgpu: boolean, signal: AbortSignal): Promise<Benchmark> {
  const wasmFlops = await measureWasm(signal)
  const webgpuFlops = webgpu ? await measureWebGpu(signal) : undefined
  return { wasmFlops, ...(webgpuFlops !== undefined && { webgpuFlops }), at: Date.now() }
}
