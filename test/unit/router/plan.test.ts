/** Where a request can run, in which order, and why: every row is a device, a policy and a model. */
import { describe, expect, it } from 'vitest'
import type { Plan } from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import type { PlanInput } from '../../../packages/sdk/src/router/index.js'
import { plan as planWith } from '../../../packages/sdk/src/router/plan.js'
import {
  anywhere,
  cpuOnly,
  estimatesFrom,
  gpuWithoutHalfPrecision,
  halfAndInt8,
  localOnly,
  manifestWith,
  orderOf,
  realGpu,
  remoteFirst,
  shortName,
  softwareGpu,
  usualInput,
} from './inputs.js'

/** Everything is ready and takes the same time, so that the rest decides. */
const readiness = new Map(
  ['webgpu', 'wasm'].flatMap((backend) =>
    ['fp32', 'fp16', 'int8'].map((dtype) => [`${backend}/${dtype}`, 'ready'] as const),
  ),
)
const usual: PlanInput = { ...usualInput, readiness }
const plan = (input: PlanInput) => planWith(input, estimatesFrom({}))

const out = ({ ruledOut }: Plan) => ruledOut.map(({ placement, code }) => `${shortName(placement)}: ${code}`)
const onlyBackends = (...backends: ('webgpu' | 'wasm')[]) => ({ device: { enabled: true, backends, threads: 1 } })

const noManifest = new EdgewardError('MANIFEST_NOT_FOUND', 'nothing at that address')
const noWasm = { ...realGpu, wasm: undefined } as unknown as typeof realGpu
const noSimd = { ...realGpu, wasm: { simd: false, relaxedSimd: false, threads: false, jspi: false } }

interface Row {
  readonly when: string
  readonly input: Partial<PlanInput>
  readonly placements: readonly string[]
  readonly ruledOut: readonly string[]
}

const rows: readonly Row[] = [
  {
    when: 'a real GPU comes before the CPU, and both before the endpoint',
    input: { capabilities: realGpu },
    placements: ['webgpu fp32', 'wasm fp32', 'remote'],
    ruledOut: [],
  },
  {
    when: 'without an adapter the CPU comes first',
    input: {},
    placements: ['wasm fp32', 'remote'],
    ruledOut: ['webgpu fp32: BACKEND_UNAVAILABLE'],
  },
  {
    when: 'a software adapter is avoided',
    input: { capabilities: softwareGpu },
    placements: ['wasm fp32', 'remote'],
    ruledOut: ['webgpu fp32: BACKEND_UNAVAILABLE'],
  },
  {
    when: 'a software adapter is used when the caller insists',
    input: { capabilities: softwareGpu, ...onlyBackends('webgpu') },
    placements: ['webgpu fp32', 'remote'],
    ruledOut: ['wasm fp32: BACKEND_UNAVAILABLE'],
  },
  {
    when: "the caller's backends keep the caller's order",
    input: { capabilities: realGpu, ...onlyBackends('wasm', 'webgpu') },
    placements: ['wasm fp32', 'webgpu fp32', 'remote'],
    ruledOut: [],
  },
  {
    when: 'each variant runs on the backends it is made for',
    input: { capabilities: realGpu, manifest: halfAndInt8 },
    placements: ['webgpu fp16', 'wasm int8', 'remote'],
    ruledOut: ['webgpu int8: BACKEND_UNAVAILABLE', 'wasm fp16: BACKEND_UNAVAILABLE'],
  },
  {
    when: 'fp16 needs a GPU with shader-f16',
    input: { capabilities: gpuWithoutHalfPrecision, manifest: halfAndInt8 },
    placements: ['wasm int8', 'remote'],
    ruledOut: [
      'webgpu fp16: BACKEND_UNAVAILABLE',
      'webgpu int8: BACKEND_UNAVAILABLE',
      'wasm fp16: BACKEND_UNAVAILABLE',
    ],
  },
  {
    when: 'fp16 needs shader-f16 also when the caller insists on WebGPU',
    input: { capabilities: gpuWithoutHalfPrecision, manifest: halfAndInt8, ...onlyBackends('webgpu') },
    placements: ['remote'],
    ruledOut: [
      'webgpu fp16: BACKEND_UNAVAILABLE',
      'webgpu int8: BACKEND_UNAVAILABLE',
      'wasm fp16: BACKEND_UNAVAILABLE',
      'wasm int8: BACKEND_UNAVAILABLE',
    ],
  },
  {
    when: 'the endpoint comes first when the policy prefers it',
    input: { policy: remoteFirst },
    placements: ['remote', 'wasm fp32'],
    ruledOut: ['webgpu fp32: BACKEND_UNAVAILABLE'],
  },
  {
    when: 'local-only rules the endpoint out',
    input: { policy: localOnly },
    placements: ['wasm fp32'],
    ruledOut: ['webgpu fp32: BACKEND_UNAVAILABLE', 'remote: NO_PLACEMENT'],
  },
  {
    when: 'local-only rules the endpoint out also when the policy prefers it',
    input: {
      policy: { ...remoteFirst, residency: 'local-only' },
      device: { enabled: false, backends: undefined, threads: 1 },
    },
    placements: [],
    ruledOut: ['remote: NO_PLACEMENT', 'device: DEVICE_UNSUPPORTED'],
  },
  {
    when: 'offline rules the endpoint out, and the variants that are not cached',
    input: {
      policy: { ...remoteFirst, offline: true },
      manifest: manifestWith({ dtype: 'fp32', backends: ['wasm'] }, { dtype: 'int8', backends: ['wasm'] }),
      onlyCached: { variants: ['int8'], reason: 'the policy says offline' },
    },
    placements: ['wasm int8'],
    ruledOut: [
      'remote: NO_PLACEMENT',
      'webgpu fp32: BACKEND_UNAVAILABLE',
      'webgpu int8: BACKEND_UNAVAILABLE',
      'wasm fp32: NOT_CACHED',
    ],
  },
  {
    when: 'a client without an endpoint has none',
    input: { endpoints: [], policy: remoteFirst },
    placements: ['wasm fp32'],
    ruledOut: ['remote: NO_PLACEMENT', 'webgpu fp32: BACKEND_UNAVAILABLE'],
  },
  {
    when: 'device: false leaves the endpoint',
    input: { capabilities: realGpu, device: { enabled: false, backends: undefined, threads: 1 } },
    placements: ['remote'],
    ruledOut: ['device: DEVICE_UNSUPPORTED'],
  },
  {
    when: 'a task that needs the manifest cannot run anywhere without one',
    input: { manifest: noManifest },
    placements: [],
    ruledOut: ['device: MANIFEST_NOT_FOUND', 'remote: MANIFEST_NOT_FOUND'],
  },
  {
    when: 'tensors need no manifest at the endpoint',
    input: { manifest: noManifest, task: 'tensors' },
    placements: ['remote'],
    ruledOut: ['device: MANIFEST_NOT_FOUND'],
  },
  {
    when: 'tensors without a manifest do not leave the device under local-only',
    input: { manifest: noManifest, task: 'tensors', policy: localOnly },
    placements: [],
    ruledOut: ['device: MANIFEST_NOT_FOUND', 'remote: NO_PLACEMENT'],
  },
  {
    when: 'a page whose policy forbids WebAssembly cannot run anything, not even on its GPU',
    input: { capabilities: noWasm },
    placements: ['remote'],
    ruledOut: ['device: DEVICE_UNSUPPORTED'],
  },
  {
    when: 'WebAssembly without SIMD cannot run the runtime',
    input: { capabilities: noSimd },
    placements: ['remote'],
    ruledOut: ['device: DEVICE_UNSUPPORTED'],
  },
  {
    when: 'an insecure page cannot verify weights',
    input: { capabilities: { ...realGpu, secureContext: false } },
    placements: ['remote'],
    ruledOut: ['device: DEVICE_UNSUPPORTED'],
  },
  {
    when: 'a place without workers runs nothing',
    input: { capabilities: { ...realGpu, workers: false } },
    placements: ['remote'],
    ruledOut: ['device: DEVICE_UNSUPPORTED'],
  },
]

describe('a plan', () => {
  it.each(rows)('$when', ({ input, placements, ruledOut }) => {
    const planned = plan({ ...usual, ...input })
    expect(orderOf(planned)).toEqual(placements)
    expect(out(planned)).toEqual(ruledOut)
  })

  it.each(rows)('gives every placement a reason: $when', ({ input }) => {
    const { placements, ruledOut } = plan({ ...usual, ...input })
    for (const { reason } of [...placements, ...ruledOut]) expect(reason).toMatch(/\w{3}/)
  })

  it.each(rows)('never lists the endpoint under local-only: $when', ({ input }) => {
    const { placements } = plan({
      ...usual,
      ...input,
      policy: { ...(input.policy ?? anywhere), residency: 'local-only' },
    })
    expect(placements.filter(({ placement }) => placement.engine === 'remote')).toEqual([])
  })

  it('says what the reader needs to know', () => {
    const reasons = (input: Partial<PlanInput>) => {
      const { placements, ruledOut } = plan({ ...usual, ...input })
      return [...placements, ...ruledOut].map(({ reason }) => reason).join('\n')
    }
    expect(reasons({ capabilities: realGpu })).toContain('nvidia ampere')
    expect(reasons({ capabilities: softwareGpu })).toContain('software')
    expect(reasons({ capabilities: gpuWithoutHalfPrecision, manifest: halfAndInt8 })).toContain('shader-f16')
    expect(reasons({ capabilities: { ...cpuOnly, crossOriginIsolated: false } })).toContain('not cross-origin isolated')
    expect(reasons({ capabilities: noWasm })).toContain("'wasm-unsafe-eval'")
    expect(reasons({ capabilities: { ...cpuOnly, secureContext: false } })).toContain('HTTPS')
    expect(reasons({ policy: localOnly })).toContain('local-only')
    expect(reasons({ manifest: noManifest })).toContain('nothing at that address')
    expect(reasons({ device: { enabled: false, backends: undefined, threads: 1 } })).toContain('device: false')
  })

  it('is a pure function: the same answer again, and nothing changed', () => {
    const input = deepFreeze({ ...usual, capabilities: realGpu, manifest: halfAndInt8 })
    expect(plan(input)).toEqual(plan(input))
  })
})

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deepFreeze(inner)
  return Object.freeze(value)
}
