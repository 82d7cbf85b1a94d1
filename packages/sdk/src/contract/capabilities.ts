/** What this device and this page can do, as probed. */

export interface WebGpuCapabilities {
  readonly vendor: string
  readonly architecture: string
  /** A software adapter: right, but slower than WASM. */
  readonly isFallbackAdapter: boolean
  readonly shaderF16: boolean
  readonly maxBufferBytes: number
  readonly maxStorageBufferBindingBytes: number
}

export interface WasmCapabilities {
  readonly simd: boolean
  readonly relaxedSimd: boolean
  /** WebAssembly threads: needs a cross-origin isolated page. */
  readonly threads: boolean
  /** JavaScript Promise Integration. */
  readonly jspi: boolean
}

export interface StorageCapabilities {
  readonly indexedDb: boolean
  /** Bytes used and available to this origin, as estimated by the browser. */
  readonly usageBytes?: number
  readonly quotaBytes?: number
  /** Whether the browser promised not to evict this origin's data. */
  readonly persisted: boolean
}

export interface Capabilities {
  /** Absent when there is no adapter. */
  readonly webgpu?: WebGpuCapabilities
  /** Absent when WebAssembly cannot be used here. */
  readonly wasm?: WasmCapabilities
  readonly workers: boolean
  /** Logical cores. */
  readonly cores: number
  /** As the browser rounds it; Chromium only. */
  readonly deviceMemoryGiB?: number
  readonly crossOriginIsolated: boolean
  /** Weights cannot be verified without it: WebCrypto needs HTTPS or localhost. */
  readonly secureContext: boolean
  readonly storage: StorageCapabilities
  readonly saveData: boolean
}
