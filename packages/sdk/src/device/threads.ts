/** How many WASM threads a session gets when the caller does not say. */

/** ONNX Runtime Web's own upper bound; more brought nothing for the models measured. */
const maxThreads = 4

/**
 * Threads need a cross-origin isolated page; without one everything runs on one. WebKitGTK calls a page isolated and has
 * no `SharedArrayBuffer` all the same.
 */
export function defaultThreads(): number {
  const { crossOriginIsolated, navigator } = globalThis
  if (!crossOriginIsolated || typeof SharedArrayBuffer === 'undefined') return 1
  return Math.min(maxThreads, navigator.hardwareConcurrency || 1)
}
