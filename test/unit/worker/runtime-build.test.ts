/** Which build of ONNX Runtime a backend gets. */
import { expect, it } from 'vitest'
import { buildFor } from '../../../packages/sdk/src/worker/runtime-build.js'

it.each([
  ['wasm', true, 'wasm', 'ort-wasm-simd-threaded.wasm'],
  ['wasm', false, 'wasm', 'ort-wasm-simd-threaded.wasm'],
  ['webgpu', true, 'jspi', 'ort-wasm-simd-threaded.jspi.wasm'],
  ['webgpu', false, 'asyncify', 'ort-wasm-simd-threaded.asyncify.wasm'],
] as const)('%s, with JSPI %s, gets the %s build', (backend, hasJspi, name, binary) => {
  const build = buildFor(backend, hasJspi)
  expect(build.name).toBe(name)
  expect(build.files.wasm.pathname.endsWith(`/ort/${binary}`)).toBe(true)
  expect(build.files.mjs.pathname).toBe(build.files.wasm.pathname.replace(/\.wasm$/, '.mjs'))
})
