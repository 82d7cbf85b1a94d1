/** Capabilities, manifests and policies that the router's tests start from. */
import { clientDefaults } from '../../../packages/sdk/src/api/options.js'
import type { Capabilities, Manifest, ResolvedPolicy, Variant } from '../../../packages/sdk/src/contract/index.js'

export const endpoint = 'https://endpoint.example/'

export const cpuOnly: Capabilities = {
  wasm: { simd: true, relaxedSimd: true, threads: true, jspi: true },
  workers: true,
  cores: 8,
  crossOriginIsolated: true,
  secureContext: true,
  storage: { indexedDb: true, persisted: false },
  saveData: false,
}

export const realGpu: Capabilities = {
  ...cpuOnly,
  webgpu: {
    vendor: 'nvidia',
    architecture: 'ampere',
    isFallbackAdapter: false,
    shaderF16: true,
    maxBufferBytes: 2 ** 31,
    maxStorageBufferBindingBytes: 2 ** 31,
  },
}

export const gpuWithoutHalfPrecision = changeGpu({ shaderF16: false })
export const softwareGpu = changeGpu({ isFallbackAdapter: true, vendor: 'google', architecture: 'swiftshader' })

export const anywhere: ResolvedPolicy = clientDefaults.policy
export const localOnly: ResolvedPolicy = { ...anywhere, residency: 'local-only' }
export const remoteFirst: ResolvedPolicy = { ...anywhere, prefer: 'remote' }

/** A manifest with these variants; what the plan does not read is left plain. */
export function manifestWith(...variants: readonly Pick<Variant, 'dtype' | 'backends'>[]): Manifest {
  const [first, ...others] = variants.map((variant) => ({ ...variant, graphs: {} }))
  if (first === undefined) throw new Error('a manifest has a variant')
  return {
    schemaVersion: 1,
    id: 'model',
    revision: '1',
    task: 'feature-extraction',
    licence: 'MIT',
    chunkBytes: 4 * 1024 * 1024,
    assets: {},
    config: {},
    variants: [first, ...others],
    provenance: [],
    packedBy: 'test',
  }
}

export const everywhere = manifestWith({ dtype: 'fp32', backends: ['webgpu', 'wasm'] })
export const halfAndInt8 = manifestWith({ dtype: 'fp16', backends: ['webgpu'] }, { dtype: 'int8', backends: ['wasm'] })

function changeGpu(change: Partial<NonNullable<Capabilities['webgpu']>>): Capabilities {
  const { webgpu, ...rest } = realGpu
  return webgpu === undefined ? rest : { ...rest, webgpu: { ...webgpu, ...change } }
}
