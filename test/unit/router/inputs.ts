/** Capabilities, manifests and policies that the router's tests start from. */
import { clientDefaults } from '../../../packages/sdk/src/api/options.js'
import type {
  Backend,
  Capabilities,
  Estimate,
  Manifest,
  PlacementMeasurements,
  Plan,
  ResolvedPolicy,
  Variant,
} from '../../../packages/sdk/src/contract/index.js'
import type { Estimators } from '../../../packages/sdk/src/router/candidates.js'
import type { PlanInput } from '../../../packages/sdk/src/router/index.js'

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

/** One request of a client with one endpoint, on a device of which nothing is known yet. */
export const usualInput: PlanInput = {
  model: 'model',
  task: 'feature-extraction',
  manifest: everywhere,
  capabilities: cpuOnly,
  conditions: { hidden: false, saveData: false },
  policy: anywhere,
  device: { enabled: true, backends: undefined, threads: 4 },
  endpoints: [{ endpoint, isSpared: false }],
  units: 1,
  lane: 'default',
  purpose: 'answer',
  readiness: new Map(),
  measurements: new Map(),
  resting: new Map(),
  link: {},
}

/** `wasm fp32`, or `remote`. */
export function shortName(placement: Plan['ruledOut'][number]['placement']): string {
  return 'backend' in placement ? `${placement.backend} ${placement.variant}` : placement.engine
}

export function orderOf({ placements }: Plan): string[] {
  return placements.map(({ placement }) => shortName(placement))
}

/** An estimate in short: milliseconds until it is ready, and from then to the answer; once in twenty times twice that. */
export interface ShortEstimate {
  readonly ready?: number
  readonly run: number
  readonly basis?: Estimate['basis']
  readonly bytes?: number
  readonly memory?: number
}

export function estimateOf({ ready = 0, run, basis = 'measured', bytes = 0, memory = 0 }: ShortEstimate): Estimate {
  const range = (typical: number) => ({ typical, high: 2 * typical })
  return {
    basis,
    samples: basis === 'measured' ? 10 : 0,
    readyMs: range(ready),
    firstOutputMs: range(run),
    unitMs: 0,
    totalMs: range(ready + run),
    downloadBytes: bytes,
    memoryBytes: memory,
  }
}

/** Gives each placement the estimate with its name: `wasm/fp32`, or an endpoint's address. */
export function estimatesFrom(estimates: Readonly<Record<string, ShortEstimate>>): Estimators {
  const named = (name: string) => estimateOf(estimates[name] ?? { run: 100 })
  return {
    device: (_input, _manifest, { dtype }, backend: Backend) => named(`${backend}/${dtype}`),
    endpoint: (_input, facts) => named(facts.endpoint),
  }
}

/** What is measured of a placement whose newest runs take so many times what they took. */
export function drifted(drift: number): PlacementMeasurements {
  return { run: { fixedMs: 0, unitMs: 1, highFactor: 1, samples: 10, drift, lastAt: 0 } }
}

function changeGpu(change: Partial<NonNullable<Capabilities['webgpu']>>): Capabilities {
  const { webgpu, ...rest } = realGpu
  return webgpu === undefined ? rest : { ...rest, webgpu: { ...webgpu, ...change } }
}
