/** Adapters and browsers have a name that changes when their speed does. */
import { afterEach, expect, it, vi } from 'vitest'
import { adapterName, browserName } from '../../../packages/sdk/src/device/index.js'
import { cpuOnly, gpuWithoutHalfPrecision, realGpu, softwareGpu } from '../router/inputs.js'

afterEach(() => {
  vi.unstubAllGlobals()
})

it('names a GPU by its vendor, its architecture and half precision', () => {
  expect(adapterName(realGpu, 'webgpu', 2)).toBe('nvidia/ampere, shader-f16')
  expect(adapterName(gpuWithoutHalfPrecision, 'webgpu', 2)).toBe('nvidia/ampere, no shader-f16')
  expect(adapterName(softwareGpu, 'webgpu', 2)).toBe('google/swiftshader, shader-f16')
  expect(adapterName(cpuOnly, 'webgpu', 2)).toBe('no adapter')
})

it('names a CPU by its cores, the threads that are used and SIMD, and not by the GPU beside it', () => {
  expect(adapterName(realGpu, 'wasm', 2)).toBe('8 cores, 2 threads, SIMD')
  expect(adapterName(realGpu, 'wasm', 1)).not.toBe(adapterName(realGpu, 'wasm', 2))
  expect(adapterName(cpuOnly, 'wasm', 2)).toBe(adapterName(realGpu, 'wasm', 2))
})

it('names the browser as it names itself, and nothing where there is none', () => {
  vi.stubGlobal('navigator', { userAgent: 'Browser/156' })
  expect(browserName()).toBe('Browser/156')
  vi.stubGlobal('navigator', undefined)
  expect(browserName()).toBe('')
})
