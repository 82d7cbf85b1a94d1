/** Arbitrary inputs of a plan, with arbitrary estimates: whatever a device, a page, a policy and the past may be. */
import fc from 'fast-check'
import type {
  Backend,
  Capabilities,
  Conditions,
  Estimate,
  Manifest,
  PlacementMeasurements,
  Readiness,
  ResolvedPolicy,
  RestingPlacement,
  VariantDtype,
} from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import type { Estimators } from '../../../packages/sdk/src/router/candidates.js'
import type { EndpointFacts, PlanInput } from '../../../packages/sdk/src/router/index.js'
import { cpuOnly, drifted, manifestWith, realGpu, usualInput } from './inputs.js'

export interface Case {
  readonly input: PlanInput
  readonly estimators: Estimators
}

const dtypes: readonly VariantDtype[] = ['fp32', 'fp16', 'q8', 'int8', 'q4', 'q4f16']
const backends: readonly Backend[] = ['webgpu', 'wasm']
const names = backends.flatMap((backend) => dtypes.map((dtype) => `${backend}/${dtype}`))
const addresses = ['https://one.example/', 'https://two.example/', 'https://three.example/']

/** Mostly there, or mostly not there. */
const rarely = (often = 4) => fc.nat(often).map((n) => n === 0)
const mayBe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const milliseconds = fc.oneof(fc.nat(2_000), fc.double({ min: 0, max: 1e6, noNaN: true }))
const bytes = fc.oneof(fc.nat(2 ** 21), fc.nat(2 ** 31 - 1))
const limit = (value: fc.Arbitrary<number>) => fc.oneof({ weight: 2, arbitrary: fc.constant(Infinity) }, value)

const manifest: fc.Arbitrary<Manifest | EdgewardError> = fc
  .record({
    variants: fc.uniqueArray(
      fc.record({ dtype: fc.constantFrom(...dtypes), backends: fc.subarray([...backends], { minLength: 1 }) }),
      { minLength: 1, maxLength: 3, selector: ({ dtype }) => dtype },
    ),
    largestTensorParameters: bytes,
    isMissing: rarely(9),
  })
  .map(({ variants, largestTensorParameters, isMissing }) =>
    isMissing
      ? new EdgewardError('MANIFEST_NOT_FOUND', 'nothing at that address')
      : { ...manifestWith(...variants), cost: { parameters: 1e9, largestTensorParameters } },
  )

const webgpu = fc.record({
  ...{ vendor: fc.constantFrom('', 'nvidia'), architecture: fc.constant('x') },
  ...{
    isFallbackAdapter: rarely(),
    shaderF16: fc.boolean(),
    maxBufferBytes: bytes,
    maxStorageBufferBindingBytes: bytes,
  },
})

const capabilities: fc.Arbitrary<Capabilities> = fc
  .record({
    webgpu: fc.oneof(fc.constant(realGpu.webgpu), mayBe(webgpu)),
    lacksWorkers: rarely(9),
    secureContext: rarely(9).map((isInsecure) => !isInsecure),
    deviceMemoryGiB: mayBe(fc.constantFrom(0.25, 2, 8)),
  })
  .map(({ webgpu: gpu, lacksWorkers, secureContext, deviceMemoryGiB }) => ({
    ...{ ...cpuOnly, workers: !lacksWorkers, secureContext },
    ...(gpu !== undefined && { webgpu: gpu }),
    ...(deviceMemoryGiB !== undefined && { deviceMemoryGiB }),
  }))

const policy: fc.Arbitrary<ResolvedPolicy> = fc.record({
  residency: fc.constantFrom('any', 'any', 'local-only'),
  prefer: fc.constantFrom('device', 'fastest', 'cheapest', 'remote'),
  offline: rarely(),
  deadlineMs: limit(milliseconds),
  firstOutputMs: limit(milliseconds),
  maxDownloadBytes: limit(bytes),
  maxMemoryBytes: limit(bytes),
  saveData: fc.constantFrom('auto', 'on', 'off'),
  power: fc.constantFrom('auto', 'auto', 'low'),
  maxQueued: fc.constant(Infinity),
  minTokensPerSecond: fc.constant(0),
})

const conditions: fc.Arbitrary<Conditions> = fc
  .record({
    pressure: mayBe(fc.constantFrom('nominal', 'fair', 'serious', 'critical')),
    battery: mayBe(fc.record({ level: fc.double({ min: 0, max: 1, noNaN: true }), charging: fc.boolean() })),
    hidden: fc.boolean(),
    saveData: rarely(),
  })
  .map(({ pressure, battery, ...rest }) => ({
    ...rest,
    ...(pressure !== undefined && { pressure }),
    ...(battery !== undefined && { battery }),
  }))

const endpoints: fc.Arbitrary<readonly EndpointFacts[]> = fc.subarray(addresses).chain((chosen) =>
  fc.tuple(
    ...chosen.map((endpoint) =>
      fc.record({
        endpoint: fc.constant(endpoint),
        isSpared: rarely(),
        resting: rarely().map((is) => (is ? ({ code: 'REMOTE_UNREACHABLE', remainingMs: 900 } as const) : undefined)),
      }),
    ),
  ),
)

const verdict = { code: 'CANARY_FAILED', reason: 'wrong numbers', at: 0 } as const
const measured: fc.Arbitrary<PlacementMeasurements> = fc
  .record({ isBad: rarely(9), drift: fc.double({ min: 0.5, max: 4, noNaN: true }) })
  .map(({ isBad, drift }) => ({ ...drifted(drift), ...(isBad && { verdict }) }))

const resting: fc.Arbitrary<RestingPlacement> = fc.record({
  code: fc.constantFrom('OUT_OF_MEMORY', 'GPU_LOST', 'WORKER_DIED'),
  reason: fc.constant('it failed'),
  remainingMs: fc.integer({ min: 1, max: 30 * 86_400_000 }),
  use: fc.constantFrom('last', 'last', 'never'),
})

const estimate: fc.Arbitrary<Estimate> = fc
  .record({ ready: milliseconds, run: milliseconds, spread: fc.double({ min: 1, max: 6, noNaN: true }) })
  .chain(({ ready, run, spread }) => {
    const range = (typical: number) => fc.constant({ typical, high: typical * spread })
    return fc.record({
      basis: fc.constantFrom('measured', 'benchmark', 'assumed'),
      ...{ samples: fc.nat(50), unitMs: fc.constant(0), downloadBytes: bytes, memoryBytes: bytes },
      ...{ readyMs: range(ready), firstOutputMs: range(run), totalMs: range(ready + run) },
    })
  })

function mapOf<T>(keys: readonly string[], values: fc.Arbitrary<T | undefined>): fc.Arbitrary<ReadonlyMap<string, T>> {
  return fc.array(values, { minLength: keys.length, maxLength: keys.length }).map((all) => {
    const given = all.flatMap((value, index) => (value === undefined ? [] : [[keys[index] ?? '', value] as const]))
    return new Map(given)
  })
}

const input: fc.Arbitrary<PlanInput> = fc
  .record({
    task: fc.constantFrom('feature-extraction', 'feature-extraction', 'tensors', 'image-to-text'),
    ...{ manifest, capabilities, policy, conditions, endpoints },
    device: fc.record({
      enabled: rarely(9).map((isOff) => !isOff),
      backends: fc.option(fc.shuffledSubarray([...backends], { minLength: 1 }), { nil: undefined, freq: 3 }),
      threads: fc.constant(1),
    }),
    lane: fc.constantFrom('interactive', 'default', 'background'),
    purpose: fc.constantFrom('answer', 'answer', 'answer', 'prepare'),
    readiness: mapOf(names, mayBe(fc.constantFrom<Readiness>('ready', 'loading', 'cached', 'absent'))),
    measurements: mapOf(names, mayBe(measured)),
    resting: mapOf(names, fc.option(resting, { nil: undefined, freq: 2 })),
    onlyCached: fc.option(
      fc.record({ variants: fc.subarray([...dtypes]), reason: fc.constant('the policy says offline') }),
      { nil: undefined, freq: 9 },
    ),
  })
  .map((some) => ({ ...usualInput, ...some }))

/** An input, and for each of its placements an estimate. */
export const anyCase: fc.Arbitrary<Case> = fc
  .record({ input, estimates: mapOf([...names, ...addresses], estimate) })
  .map(({ input: made, estimates }) => {
    const named = (name: string) => {
      const found = estimates.get(name)
      if (found === undefined) throw new Error(`no estimate for ${name}`)
      return found
    }
    return {
      input: made,
      estimators: {
        device: (_input, _manifest, { dtype }, backend) => named(`${backend}/${dtype}`),
        endpoint: (_input, facts) => named(facts.endpoint),
      },
    }
  })
