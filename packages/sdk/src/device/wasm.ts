/** Finds out which WebAssembly features this browser has. */
import type { WasmCapabilities } from '../contract/index.js'

// Smallest modules that use a feature; the same ones that ONNX Runtime Web asks (onnxruntime-web/lib/wasm/wasm-factory.ts).
const simdModule = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 30, 1, 28, 0, 65, 0, 253, 15, 253, 12, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 253, 186, 1, 26, 11,
]
const relaxedSimdModule = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 1, 253, 15, 65, 2, 253, 15, 65,
  3, 253, 15, 253, 147, 2, 11,
]
const threadsModule = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 4, 1, 3, 1, 1, 10, 11, 1, 9, 0, 65, 0, 254, 16, 2, 0,
  26, 11,
]
/** The eight bytes of an empty module: compiling it fails where a Content-Security-Policy forbids WebAssembly. */
const emptyModule = [0, 97, 115, 109, 1, 0, 0, 0]

/** Undefined where WebAssembly is missing or forbidden. */
export function probeWasm(): WasmCapabilities | undefined {
  if (typeof WebAssembly === 'undefined' || !mayCompile()) return undefined
  return {
    simd: validates(simdModule),
    relaxedSimd: validates(relaxedSimdModule),
    threads: typeof SharedArrayBuffer !== 'undefined' && validates(threadsModule),
    jspi: 'Suspending' in WebAssembly,
  }
}

function mayCompile(): boolean {
  try {
    new WebAssembly.Module(Uint8Array.from(emptyModule))
    return true
  } catch {
    return false
  }
}

function validates(bytes: readonly number[]): boolean {
  return WebAssembly.validate(Uint8Array.from(bytes))
}
