/** Plan inputs that the tests of the cost model start from, and any valid ones. */
import fc from 'fast-check'
import type { Conditions, Manifest, ManifestFile, RunFit, Variant } from '../../../packages/sdk/src/contract/index.js'
import type { EndpointFacts, PlanInput } from '../../../packages/sdk/src/router/index.js'
import { anywhere, cpuOnly, endpoint, manifestWith, realGpu, softwareGpu } from './inputs.js'

export const file = (path: string, bytes: number): ManifestFile => ({ path, bytes, sha256: '', chunks: [] })
const graph = (bytes: number, external: number) => ({
  file: file('model.onnx', bytes),
  externalData: [file('model.onnx_data', external)],
  inputs: [],
  outputs: [],
})

export const variantOf = (bytes: number, dtype: Variant['dtype'] = 'fp32', external = 0): Variant => ({
  dtype,
  backends: ['webgpu', 'wasm'],
  graphs: { model: graph(bytes, external) },
})

export const calm: Conditions = { hidden: false, saveData: false }

export const inputWith = (change: Partial<PlanInput> = {}): PlanInput => ({
  model: 'model',
  task: 'feature-extraction',
  manifest: manifestWith({ dtype: 'fp32', backends: ['webgpu', 'wasm'] }),
  capabilities: realGpu,
  conditions: calm,
  policy: anywhere,
  device: { enabled: true, backends: undefined, threads: 2 },
  endpoints: [],
  units: 16,
  lane: 'default',
  purpose: 'answer',
  readiness: new Map(),
  measurements: new Map(),
  resting: new Map(),
  link: {},
  ...change,
})

export const factsWith = (change: Partial<EndpointFacts> = {}): EndpointFacts => ({
  endpoint,
  isSpared: false,
  ...change,
})

export const fitOf = (change: Partial<RunFit> = {}): RunFit => ({
  fixedMs: 10,
  unitMs: 1,
  highFactor: 2,
  samples: 8,
  drift: 1,
  lastAt: 0,
  ...change,
})

const amount = (max: number) => fc.double({ min: 0, max, noNaN: true })
const rate = amount(1e10)
const dtypes = fc.constantFrom<Variant['dtype'][]>('fp32', 'fp16', 'q8', 'int8', 'q4', 'q4f16')
export const anyBackend = fc.constantFrom('wasm' as const, 'webgpu' as const)

export const anyVariant = fc
  .tuple(fc.nat(2 ** 31), fc.nat(2 ** 31), dtypes)
  .map(([bytes, external, dtype]) => variantOf(bytes, dtype, external))

export const anyFit: fc.Arbitrary<RunFit> = fc.record({
  fixedMs: amount(1e6),
  unitMs: amount(1e4),
  highFactor: fc.double({ min: 1, max: 100, noNaN: true }),
  samples: fc.integer({ min: 1, max: 32 }),
  drift: fc.double({ min: 0.01, max: 100, noNaN: true }),
  lastAt: fc.nat(),
})

const anyRange = fc.tuple(amount(1e5), amount(1e5)).map(([a, b]) => ({ typical: Math.min(a, b), high: Math.max(a, b) }))
const anyMeasurements = fc.record({ run: anyFit, loadMs: anyRange }, { requiredKeys: [] })
const places = (['wasm', 'webgpu'] as const).flatMap((backend) =>
  (['fp32', 'fp16', 'q8', 'int8', 'q4', 'q4f16'] as const).map((dtype) => `${backend}/${dtype}`),
)
const byPlace = <V>(value: fc.Arbitrary<V>) =>
  fc.dictionary(fc.constantFrom(...places), value).map((found) => new Map(Object.entries(found)))

const anyConditions: fc.Arbitrary<Conditions> = fc
  .record(
    {
      pressure: fc.constantFrom('nominal' as const, 'fair' as const, 'serious' as const, 'critical' as const),
      connection: fc.record({ bytesPerSecond: rate, roundTripMs: amount(1e5) }, { requiredKeys: [] }),
    },
    { requiredKeys: [] },
  )
  .map((told) => ({ ...calm, ...told }))

const anyCost = fc.option(
  fc.tuple(fc.nat(2 ** 31), fc.option(amount(1e14), { nil: undefined })).map(([parameters, operationsPerUnit]) => ({
    parameters,
    ...(operationsPerUnit !== undefined && { operationsPerUnit }),
  })),
  { nil: undefined },
)

export const anyManifest: fc.Arbitrary<Manifest> = fc
  .tuple(anyVariant, anyCost, fc.nat(2 ** 20))
  .map(([variant, cost, bytes]) => ({
    ...manifestWith(variant),
    variants: [variant],
    assets: { tokenizer: file('tokenizer.json', bytes) },
    ...(cost && { cost }),
  }))

export const anyInput: fc.Arbitrary<PlanInput> = fc
  .record({
    capabilities: fc.constantFrom(cpuOnly, realGpu, softwareGpu),
    conditions: anyConditions,
    units: fc.double({ min: 0.001, max: 1e7, noNaN: true }),
    device: fc.record({
      enabled: fc.constant(true),
      backends: fc.constant(undefined),
      threads: fc.integer({ min: 1, max: 64 }),
    }),
    readiness: byPlace(fc.constantFrom('ready' as const, 'loading' as const, 'cached' as const, 'absent' as const)),
    measurements: byPlace(anyMeasurements),
    benchmark: fc.option(
      fc.oneof(
        fc.record({ wasmFlops: rate, at: fc.nat() }),
        fc.record({ wasmFlops: rate, webgpuFlops: rate, at: fc.nat() }),
      ),
      { nil: undefined },
    ),
    link: fc.record({ bytesPerSecond: rate }, { requiredKeys: [] }),
    missing: fc.option(
      fc.nat(2 ** 31).map((bytes) => ({ fp32: { files: [], bytes }, q8: { files: [], bytes } })),
      { nil: undefined },
    ),
  })
  .map((change) => inputWith(change))

export const anyFacts: fc.Arbitrary<EndpointFacts> = fc
  .record(
    {
      measurements: anyMeasurements,
      load: fc.record(
        { utilization: amount(10), expectedWaitMs: amount(1e6), at: fc.nat() },
        { requiredKeys: ['utilization', 'at'] },
      ),
    },
    { requiredKeys: [] },
  )
  .map((known) => factsWith(known))
