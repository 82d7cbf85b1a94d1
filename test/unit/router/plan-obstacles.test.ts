/** What rules a placement out, by its cost and by what happened before, in words that a user understands. */
import { describe, expect, it } from 'vitest'
import type { Capabilities, ResolvedPolicy } from '../../../packages/sdk/src/contract/index.js'
import type { PlanInput } from '../../../packages/sdk/src/router/index.js'
import { plan } from '../../../packages/sdk/src/router/plan.js'
import {
  anywhere,
  endpoint,
  estimatesFrom,
  manifestWith,
  orderOf,
  realGpu,
  usualInput,
  type ShortEstimate,
} from './inputs.js'

const gibibyte = 2 ** 30
const planned = (wasm: ShortEstimate, change: Partial<PlanInput>) =>
  plan({ ...usualInput, ...change }, estimatesFrom({ 'wasm/fp32': wasm, [endpoint]: { run: 200 } }))
const policy = (change: Partial<ResolvedPolicy>): Partial<PlanInput> => ({ policy: { ...anywhere, ...change } })
const wasmOut = (result: ReturnType<typeof plan>) =>
  result.ruledOut.find(({ placement }) => 'backend' in placement && placement.backend === 'wasm')
const state = (readiness: 'ready' | 'cached') => ({ readiness: new Map([['wasm/fp32', readiness]]) })
const download = { ready: 10_000, run: 50, bytes: 90e6 }

describe('limits of the GPU', () => {
  const webgpu = { ...realGpu.webgpu, maxStorageBufferBindingBytes: 128e6 } as NonNullable<Capabilities['webgpu']>
  const outOf = (largestTensorParameters: number, dtype: 'fp32' | 'fp16') => {
    const manifest = {
      ...manifestWith({ dtype, backends: ['webgpu', 'wasm'] }),
      cost: { parameters: 1, largestTensorParameters },
    }
    return plan({ ...usualInput, manifest, capabilities: { ...realGpu, webgpu } }, estimatesFrom({}))
  }

  it('too small for the largest tensor rule the GPU out, not the CPU', () => {
    const result = outOf(40e6, 'fp32')
    expect(orderOf(result)).toEqual(['remote', 'wasm fp32'])
    expect(result.ruledOut).toMatchObject([
      {
        code: 'BACKEND_UNAVAILABLE',
        reason: "the model's largest tensor takes 160 MB, and the GPU binds 128 MB at most",
      },
    ])
  })

  it('are judged by the bytes that the variant stores a weight in', () => {
    expect(outOf(40e6, 'fp16').ruledOut).toEqual([])
    expect(outOf(32e6, 'fp32').ruledOut).toEqual([])
  })
})

describe('a verdict', () => {
  it('rules a placement out with its code, also when the caller insists on the backend', () => {
    const verdict = { code: 'CANARY_FAILED', reason: 'logits[3] is 0.5, not 0.1', at: 0 } as const
    const measurements = new Map([['wasm/fp32', { verdict }]])
    for (const backends of [undefined, ['wasm'] as const]) {
      const result = planned(
        { run: 50 },
        { measurements, ...state('cached'), device: { enabled: true, backends, threads: 1 } },
      )
      expect(orderOf(result)).toEqual(['remote'])
      expect(wasmOut(result)).toMatchObject({ code: 'CANARY_FAILED' })
      expect(wasmOut(result)?.reason).toContain('logits[3] is 0.5, not 0.1')
    }
  })
})

describe('memory', () => {
  it('that the policy does not allow rules a placement out', () => {
    const result = planned({ run: 50, memory: 300e6 }, { ...policy({ maxMemoryBytes: 200e6 }), ...state('ready') })
    expect(wasmOut(result)).toMatchObject({
      code: 'OUT_OF_MEMORY',
      reason: 'the model takes 300 MB of memory, and the policy allows 200 MB',
    })
  })

  it("more than half of the device's rules a placement out, unless it is ready: then it has found its room", () => {
    const capabilities = { ...usualInput.capabilities, deviceMemoryGiB: 2 }
    const most = { run: 50, memory: gibibyte }
    const tooMuch = { run: 50, memory: gibibyte + 1 }
    expect(wasmOut(planned(most, { capabilities }))).toBeUndefined()
    expect(wasmOut(planned(tooMuch, { capabilities }))).toMatchObject({ code: 'OUT_OF_MEMORY' })
    expect(wasmOut(planned(tooMuch, { capabilities }))?.reason).toContain("more than half of the device's 2 GiB")
    expect(wasmOut(planned(tooMuch, { capabilities, ...state('ready') }))).toBeUndefined()
    expect(wasmOut(planned(tooMuch, {}))).toBeUndefined()
  })
})

describe('maxDownloadBytes', () => {
  it('rules out what would fetch more, with both numbers', () => {
    const result = planned(download, policy({ maxDownloadBytes: 20e6 }))
    expect(orderOf(result)).toEqual(['remote'])
    expect(result).not.toHaveProperty('prepareNext')
    expect(wasmOut(result)).toMatchObject({
      code: 'NOT_CACHED',
      reason: 'the variant fp32 lacks 90 MB, and the policy allows a download of 20 MB',
      details: { model: 'model', missingBytes: 90e6, maxDownloadBytes: 20e6 },
    })
  })

  it('holds also where no endpoint can answer', () => {
    const result = planned(download, { ...policy({ maxDownloadBytes: 20e6 }), endpoints: [] })
    expect(result.placements).toEqual([])
  })

  it('says nothing of weights that are on the device', () => {
    for (const readiness of ['ready', 'cached'] as const) {
      const result = planned(download, { ...policy({ maxDownloadBytes: 0 }), ...state(readiness) })
      expect(orderOf(result)).toContain('wasm fp32')
    }
  })
})

describe('saving data', () => {
  const saving = { conditions: { ...usualInput.conditions, saveData: true } }

  it.each([
    { when: 'the browser says so', change: saving },
    { when: 'the policy says so', change: policy({ saveData: 'on' }) },
  ])('leaves the download out when $when and an endpoint can answer', ({ change }) => {
    const result = planned(download, change)
    expect(orderOf(result)).toEqual(['remote'])
    expect(result).not.toHaveProperty('prepareNext')
    expect(wasmOut(result)).toMatchObject({
      code: 'NOT_CACHED',
      reason: 'the variant fp32 lacks 90 MB, data is to be saved, and an endpoint can answer',
    })
    expect(result.shifts).toEqual(['data is to be saved: the endpoint answers, and 90 MB are not downloaded'])
  })

  it('is off when the policy says so', () => {
    expect(orderOf(planned(download, { ...saving, ...policy({ saveData: 'off' }) }))).toEqual(['remote', 'wasm fp32'])
  })

  it('does not count where the model is on the device, or lacks little', () => {
    expect(planned(download, { ...saving, ...state('cached') }).prepareNext).toMatchObject({ backend: 'wasm' })
    expect(orderOf(planned({ ...download, bytes: 2 ** 20 }, saving))).toEqual(['remote', 'wasm fp32'])
  })

  it('does not keep the device from answering where nobody else can', () => {
    for (const change of [{ endpoints: [] }, policy({ residency: 'local-only' })]) {
      const { placements, ruledOut } = planned(download, { ...saving, ...change })
      expect(placements.map(({ placement }) => placement.engine)).toEqual(['device'])
      expect(placements[0]?.reason).toContain('data is to be saved, but nobody else can answer')
      expect(ruledOut).not.toContainEqual(expect.objectContaining({ code: 'NOT_CACHED' }))
    }
  })

  it('asks an endpoint that has just failed once more, before it downloads', () => {
    const resting = { code: 'REMOTE_UNREACHABLE', remainingMs: 900 } as const
    const result = planned(download, { ...saving, endpoints: [{ endpoint, isSpared: false, resting }] })
    expect(orderOf(result)).toEqual(['remote', 'wasm fp32'])
    expect(result.shifts).toEqual(['data is to be saved: 90 MB are downloaded only when nobody else has answered'])
    expect(result).not.toHaveProperty('prepareNext')
  })
})

it('a ruled out variant does not take the others with it', () => {
  const manifest = manifestWith({ dtype: 'fp32', backends: ['wasm'] }, { dtype: 'int8', backends: ['wasm'] })
  const estimates = estimatesFrom({ 'wasm/fp32': download, 'wasm/int8': { ...download, bytes: 20e6 } })
  const result = plan({ ...usualInput, manifest, ...policy({ maxDownloadBytes: 30e6 }) }, estimates)
  expect(orderOf(result)).toEqual(['remote', 'wasm int8'])
})
