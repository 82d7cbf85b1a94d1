/** What a client knows of a visit's device and model when it begins, in the SDK's words. */
import type {
  Backend,
  Benchmark,
  Capabilities,
  Conditions,
  Manifest,
  MeasurementRecord,
  Placement,
} from '../../packages/sdk/src/contract/index.js'
import { deviceKey, endpointKey, placementName } from '../../packages/sdk/src/router/index.js'
import type { SimulatedDevice } from './device.js'
import type { Random } from './random.js'
import type { Visit } from './visits.js'
import { device as deviceProfile, endpoint, network, visits } from './world.js'

/** The endpoint's. */
export const addressOf = 'https://endpoint.example/'

/** What every request asks for. */
const task = 'feature-extraction'

/** When the simulated time begins, in milliseconds since 1970. */
export const startedAt = Date.UTC(2026, 10, 22)

const dayMs = 24 * 60 * 60 * 1000

export interface VisitFacts {
  readonly manifest: Manifest
  readonly capabilities: Capabilities
  readonly conditions: Conditions
  readonly benchmark: Benchmark
  readonly placements: readonly { readonly name: string; readonly key: string; readonly backend: Backend }[]
  readonly endpointKey: string
  readonly retryAfterMs: number
  keyOf(placement: Placement): string
}

export function describeVisit(visit: Visit): VisitFacts {
  const { model, profile, benchmark, roundTripMs, bytesPerSecond } = visit
  const keyOf = (placement: Placement) => keyFor(visit, placement)
  const placements = backendsOf(visit).map((backend) => {
    const placement: Placement = { engine: 'device', backend, variant: model.dtype }
    return { name: placementName(placement), key: keyOf(placement), backend }
  })
  return {
    manifest: manifestOf(visit),
    capabilities: capabilitiesOf(visit),
    conditions: {
      hidden: false,
      saveData: profile.saveData === true,
      ...(profile.batteryLevel !== undefined && { battery: { level: profile.batteryLevel, charging: false } }),
      // As Chromium tells them: rounded to 25 ms, and 10 Mbit/s at most.
      connection: {
        roundTripMs: Math.round(roundTripMs / 25) * 25,
        bytesPerSecond: Math.min(1_250_000, Math.round(bytesPerSecond / 3_125) * 3_125),
      },
    },
    benchmark: {
      wasmFlops: benchmark.wasmFlops,
      ...(benchmark.webgpuFlops !== undefined && { webgpuFlops: benchmark.webgpuFlops }),
      at: startedAt,
    },
    placements,
    endpointKey: endpointKey(addressOf, model.id, task),
    retryAfterMs: endpoint.retryAfterMs,
    keyOf,
  }
}

/** What earlier visits have measured: runs where a plan would have put them, loads, and answers of the endpoint. */
export function whatWasMeasured(visit: Visit, random: Random, device: SimulatedDevice): readonly MeasurementRecord[] {
  if (!visit.isReturning) return []
  const { model, roundTripMs } = visit
  const at = startedAt - dayMs
  const record = (key: string, msOf: (tokens: number) => number): MeasurementRecord => ({
    key,
    runs: Array.from({ length: visits.earlierRuns }, () => {
      const { median, spread, most } = visits.tokens
      const units = Math.min(most, Math.max(3, Math.round(random.logNormal({ median, spread }))))
      return { units, ms: msOf(units) * random.noise(deviceProfile.runNoise), at }
    }),
    loads: [],
    usedAt: at,
  })
  const backend = visit.webgpuFlops === undefined ? 'wasm' : 'webgpu'
  const placement: Placement = { engine: 'device', backend, variant: model.dtype }
  const served = (tokens: number) => endpoint.fixedMs + (model.operationsPerUnit * tokens * 1000) / endpoint.flops
  const transferMs = (network.bytesPerRequest / visit.bytesPerSecond) * 1000
  return [
    record(keyFor(visit, placement), (tokens) => device.idealMs(backend, tokens)),
    record(endpointKey(addressOf, model.id, task), (tokens) => roundTripMs + transferMs + served(tokens)),
  ]
}

function keyFor({ model }: Visit, placement: Placement): string {
  if (placement.engine === 'remote') return endpointKey(placement.endpoint, model.id, task)
  const { backend, variant } = placement
  const parts = { model: model.id, revision: '1', variant, backend, adapter: backend, browser: 'simulated' }
  // In a visit one task is asked for, so that its runs and its loads may share a record.
  return deviceKey(parts, task)
}

function backendsOf({ webgpuFlops }: Visit): readonly Backend[] {
  return webgpuFlops === undefined ? ['wasm'] : ['webgpu', 'wasm']
}

function manifestOf({ model }: Visit): Manifest {
  const { id, dtype, bytes, parameters, operationsPerUnit } = model
  const file = { path: 'model.onnx', bytes, sha256: '', chunks: [] }
  const graphs = { model: { file, inputs: [], outputs: [] } }
  return {
    schemaVersion: 1,
    id,
    revision: '1',
    task: 'tensors',
    licence: 'MIT',
    chunkBytes: 4 * 2 ** 20,
    assets: {},
    config: {},
    cost: { parameters, operationsPerUnit },
    variants: [{ dtype, backends: ['webgpu', 'wasm'], graphs }],
    provenance: [],
    packedBy: 'simulator',
  }
}

function capabilitiesOf({ webgpuFlops, profile }: Visit): Capabilities {
  const gpu = {
    vendor: 'simulated',
    architecture: 'gpu',
    isFallbackAdapter: false,
    shaderF16: true,
    maxBufferBytes: 2 ** 31,
    maxStorageBufferBindingBytes: 2 ** 30,
  }
  return {
    ...(webgpuFlops !== undefined && { webgpu: gpu }),
    wasm: { simd: true, relaxedSimd: true, threads: false, jspi: true },
    workers: true,
    cores: profile.cores,
    deviceMemoryGiB: profile.deviceMemoryGiB,
    crossOriginIsolated: false,
    secureContext: true,
    storage: { indexedDb: true, persisted: false },
    saveData: profile.saveData === true,
  }
}
