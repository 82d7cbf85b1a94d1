/** Finds out what the WebGPU adapter is and can do. */
import type { WebGpuCapabilities } from '../contract/index.js'

/** Undefined where there is no adapter; `navigator.gpu` alone proves nothing. */
export async function probeWebGpu(): Promise<WebGpuCapabilities | undefined> {
  const gpu = typeof navigator === 'undefined' ? undefined : navigator.gpu
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' })
  if (!adapter) return undefined
  const { info, features, limits } = adapter
  return {
    vendor: info.vendor,
    architecture: info.architecture,
    isFallbackAdapter: info.isFallbackAdapter || info.architecture === 'swiftshader',
    shaderF16: features.has('shader-f16'),
    maxBufferBytes: limits.maxBufferSize,
    maxStorageBufferBindingBytes: limits.maxStorageBufferBindingSize,
  }
}
