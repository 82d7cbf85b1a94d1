/** For which backend a runtime may be started before a model's manifest is known. */
import { expect, it } from 'vitest'
import { certainBackend } from '../../../packages/sdk/src/router/index.js'
import { cpuOnly, realGpu, softwareGpu } from './inputs.js'

it.each([
  { what: 'no GPU', capabilities: cpuOnly, backends: undefined, certain: 'wasm' },
  { what: 'a software GPU', capabilities: softwareGpu, backends: undefined, certain: 'wasm' },
  {
    what: 'a software GPU that the caller insists on',
    capabilities: softwareGpu,
    backends: ['webgpu'],
    certain: 'webgpu',
  },
  { what: 'a GPU: a model may have no variant for it', capabilities: realGpu, backends: undefined, certain: undefined },
  { what: 'a GPU that the caller does not want', capabilities: realGpu, backends: ['wasm'], certain: 'wasm' },
  { what: 'no GPU where only that is wanted', capabilities: cpuOnly, backends: ['webgpu'], certain: undefined },
  {
    what: 'an insecure page',
    capabilities: { ...cpuOnly, secureContext: false },
    backends: undefined,
    certain: undefined,
  },
] as const)('$what: $certain', ({ capabilities, backends, certain }) => {
  expect(certainBackend(capabilities, { enabled: true, backends })).toBe(certain)
  expect(certainBackend(capabilities, { enabled: false, backends })).toBeUndefined()
})
