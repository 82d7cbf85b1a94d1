/** Names what measured times depend on beside the model: the adapter and the browser. */
import type { Backend, Capabilities } from '../contract/index.js'

/** What executes a backend here. Measurements of one adapter say nothing of another. */
export function adapterName(
  { webgpu, wasm, cores }: Pick<Capabilities, 'webgpu' | 'wasm' | 'cores'>,
  backend: Backend,
  threads: number,
): string {
  if (backend === 'wasm') return `${cores} cores, ${threads} threads, ${wasm?.simd ? 'SIMD' : 'no SIMD'}`
  if (!webgpu) return 'no adapter'
  return `${webgpu.vendor}/${webgpu.architecture}, ${webgpu.shaderF16 ? 'shader-f16' : 'no shader-f16'}`
}

/** The browser with its version, as it calls itself; empty where there is none. */
export function browserName(): string {
  return globalThis.navigator?.userAgent ?? ''
}
