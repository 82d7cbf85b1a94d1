/** The cost model: a number for every placement, whatever is known; better numbers the more is known. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Estimate, Manifest, Range, Readiness } from '../../../packages/sdk/src/contract/index.js'
import { estimateDevice, estimateEndpoint } from '../../../packages/sdk/src/router/estimate.js'
import type { PlanInput } from '../../../packages/sdk/src/router/index.js'
import {
  anyBackend,
  anyFacts,
  anyInput,
  anyManifest,
  calm,
  factsWith,
  file,
  fitOf,
  inputWith,
  variantOf,
} from './estimate-inputs.js'
import { cpuOnly, endpoint, manifestWith, softwareGpu, usualInput } from './inputs.js'

const mega = 1e6
const plain = manifestWith({ dtype: 'fp32', backends: ['wasm'] })
const onWasm = (change: Partial<PlanInput>, variant = variantOf(90 * mega), manifest: Manifest = plain) =>
  estimateDevice(inputWith(change), manifest, variant, 'wasm')
const ready: ReadonlyMap<string, Readiness> = new Map([['wasm/fp32', 'ready']])
const cached: ReadonlyMap<string, Readiness> = new Map([['wasm/fp32', 'cached']])
const allRanges = ({ readyMs, firstOutputMs, totalMs }: Estimate): readonly Range[] => [readyMs, firstOutputMs, totalMs]

describe('an estimate of a run', () => {
  it('is what was measured, as soon as something was', () => {
    const measurements = new Map([['wasm/fp32', { run: fitOf({ samples: 3 }) }]])
    const estimate = onWasm({ readiness: ready, measurements, units: 100 })
    expect(estimate).toMatchObject({ basis: 'measured', samples: 3, unitMs: 1, readyMs: { typical: 0, high: 0 } })
    expect(estimate.firstOutputMs).toEqual({ typical: 110, high: 220 })
    expect(estimate.totalMs).toEqual(estimate.firstOutputMs)
  })

  it('says how fast text is written, where that was measured', () => {
    const run = fitOf({ unitMs: 80 })
    const measurements = new Map([['wasm/fp32', { run }]])
    expect(onWasm({ task: 'text-generation', measurements })).toMatchObject({ tokensPerSecond: 12.5 })
    const facts = factsWith({ measurements: { run } })
    expect(estimateEndpoint(inputWith({ task: 'text-generation' }), facts)).toMatchObject({ tokensPerSecond: 12.5 })
    expect(onWasm({ measurements })).not.toHaveProperty('tokensPerSecond')
    expect(onWasm({ task: 'text-generation' })).not.toHaveProperty('tokensPerSecond')
  })

  it('follows measured runs that have become slower just now, and leaves small differences alone', () => {
    const withDrift = (drift: number) =>
      onWasm({ measurements: new Map([['wasm/fp32', { run: fitOf({ drift }) }]]), units: 100 }).firstOutputMs.typical
    expect(withDrift(1.5)).toBe(165)
    expect(withDrift(1.2)).toBe(110)
    expect(withDrift(0.5)).toBe(110)
  })

  it('comes from the benchmark of this device before anything was measured, and is wider', () => {
    const benchmark = { wasmFlops: 34e9, at: 0 }
    const cost = { parameters: 20 * mega, operationsPerUnit: 21 * mega }
    const guess = onWasm({ benchmark, units: 128, readiness: ready }, variantOf(90 * mega), { ...plain, cost })
    expect(guess).toMatchObject({ basis: 'benchmark', samples: 0 })
    // MiniLM, 128 tokens at two threads where the benchmark gives 34e9: 128–169 ms.
    expect(guess.firstOutputMs.typical).toBeGreaterThan(128)
    expect(guess.firstOutputMs.typical).toBeLessThan(169)
    expect(guess.firstOutputMs.high).toBe(3 * guess.firstOutputMs.typical)
    const twice = onWasm({ benchmark: { ...benchmark, wasmFlops: 68e9 }, units: 128 }, variantOf(90 * mega), {
      ...plain,
      cost,
    })
    expect(twice.unitMs).toBeCloseTo(guess.unitMs / 2)
  })

  it('rests on nothing but assumptions where there is no benchmark, and says so', () => {
    expect(onWasm({})).toMatchObject({ basis: 'assumed', samples: 0 })
    const { firstOutputMs } = onWasm({})
    expect(firstOutputMs.high).toBe(6 * firstOutputMs.typical)
  })

  it('counts threads only where the page is isolated', () => {
    const at = (threads: number, crossOriginIsolated: boolean) =>
      onWasm({
        device: { enabled: true, backends: undefined, threads },
        capabilities: { ...cpuOnly, crossOriginIsolated },
      }).unitMs
    expect(at(2, true)).toBeCloseTo(at(1, true) / 1.8)
    expect(at(4, true)).toBeLessThan(at(2, true))
    expect(at(4, false)).toBe(at(1, false))
    expect(at(64, true)).toBe(at(8, true)) // The machine has eight cores.
  })

  it('expects a 4-bit variant to be slow on WASM, where every run dequantises the weights', () => {
    const q4 = variantOf(10 * mega, 'q4')
    const gpu = estimateDevice(inputWith({ units: 1 }), plain, q4, 'webgpu')
    const q8 = onWasm({ units: 1 }, variantOf(18 * mega, 'q8'))
    expect(onWasm({ units: 1 }, q4).firstOutputMs.typical).toBeGreaterThan(5 * q8.firstOutputMs.typical)
    expect(gpu.firstOutputMs.typical).toBeLessThan(q8.firstOutputMs.typical * 5)
  })

  it('expects a software GPU to be slower than WASM', () => {
    const gpu = estimateDevice(inputWith({ capabilities: softwareGpu }), plain, variantOf(90 * mega), 'webgpu')
    expect(gpu.firstOutputMs.typical).toBeGreaterThan(10 * onWasm({}).firstOutputMs.typical)
  })

  it('grows under pressure while nothing was measured; measured runs show the pressure themselves', () => {
    const measurements = new Map([['wasm/fp32', { run: fitOf() }]])
    const serious = { ...calm, pressure: 'serious' as const }
    const critical = { ...calm, pressure: 'critical' as const }
    const calmMs = onWasm({}).firstOutputMs.typical
    expect(onWasm({ conditions: serious }).firstOutputMs.typical).toBeCloseTo(1.5 * calmMs)
    expect(onWasm({ conditions: critical }).firstOutputMs.typical).toBeCloseTo(2.5 * calmMs)
    expect(onWasm({ conditions: critical, measurements })).toEqual(onWasm({ measurements }))
  })
})

describe('an estimate of the time until a placement is ready', () => {
  const assets = { tokenizer: file('tokenizer.json', mega) }
  const withAssets: Manifest = { ...plain, assets }

  it('is nothing when it is ready', () => {
    expect(onWasm({ readiness: ready })).toMatchObject({ readyMs: { typical: 0, high: 0 }, downloadBytes: 0 })
  })

  it('is that of a load when it is in the cache: as measured, else by its bytes', () => {
    const measurements = new Map([['wasm/fp32', { loadMs: { typical: 700, high: 900 } }]])
    expect(onWasm({ readiness: cached, measurements }).readyMs).toEqual({ typical: 700, high: 900 })
    const { readyMs, downloadBytes } = onWasm({ readiness: cached })
    expect(downloadBytes).toBe(0)
    expect(readyMs.typical).toBeGreaterThan(1_500) // 90 MB took 1.7 s.
    expect(readyMs.typical).toBeLessThan(1_900)
  })

  it('adds the download of weights, assets and runtime when it is absent, or on its way', () => {
    const link = { bytesPerSecond: 10 * mega }
    const { readyMs, downloadBytes } = onWasm({ link }, variantOf(89 * mega), withAssets)
    expect(downloadBytes).toBe(90 * mega)
    const load = onWasm({ readiness: cached }, variantOf(89 * mega), withAssets).readyMs
    expect(readyMs.typical).toBeCloseTo(9_400 + load.typical) // 90 MB and 4 MB of the runtime
    expect(readyMs.high).toBeCloseTo(1.5 * 9_400 + load.high)
    const loading = onWasm({ link, readiness: new Map([['wasm/fp32', 'loading']]) }, variantOf(89 * mega), withAssets)
    expect(loading.readyMs).toEqual(readyMs)
  })

  it('counts only what is missing, where somebody asked, and no runtime where the model has run before', () => {
    const missing = { fp32: { files: ['model.onnx'], bytes: 5 * mega } }
    const readiness = new Map<string, Readiness>([['wasm/q8', 'cached']])
    const { readyMs, downloadBytes } = onWasm({ missing, readiness, link: { bytesPerSecond: mega } })
    expect(downloadBytes).toBe(5 * mega)
    expect(readyMs.typical - onWasm({ readiness: cached }).readyMs.typical).toBeCloseTo(5_000)
  })

  it('is wider the less is known of the link', () => {
    const spread = (change: Partial<PlanInput>) => {
      const { typical, high } = onWasm(change, variantOf(2 ** 30)).readyMs
      return high / typical
    }
    const told = { conditions: { ...calm, connection: { bytesPerSecond: mega } } }
    expect(spread({ link: { bytesPerSecond: mega } })).toBeLessThan(spread(told))
    expect(spread(told)).toBeLessThan(spread({}))
  })
})

describe('an estimate of memory', () => {
  it('is twice the weights on WASM and less on a GPU; a file that two graphs share counts once', () => {
    expect(onWasm({}).memoryBytes).toBe(180 * mega)
    expect(estimateDevice(inputWith(), plain, variantOf(90 * mega), 'webgpu').memoryBytes).toBe(135 * mega)
    const one = variantOf(mega, 'fp32', 10 * mega)
    const graph = one.graphs['model']
    if (!graph) throw new Error('the variant has a graph')
    const other = { ...graph, file: file('other.onnx', mega) }
    expect(onWasm({}, { ...one, graphs: { model: graph, other } }).memoryBytes).toBe(24 * mega)
  })
})

describe('an estimate of an endpoint', () => {
  it('is what was measured, and the wait that it reports', () => {
    const load = { utilization: 1, expectedWaitMs: 300, at: 0 }
    const facts = factsWith({ measurements: { run: fitOf() }, load })
    expect(estimateEndpoint(inputWith({ units: 10 }), facts)).toEqual({
      basis: 'measured',
      samples: 8,
      readyMs: { typical: 300, high: 600 },
      firstOutputMs: { typical: 20, high: 40 },
      unitMs: 1,
      totalMs: { typical: 320, high: 640 },
      downloadBytes: 0,
      memoryBytes: 0,
    })
  })

  it('is a round trip and a run while it was never asked, and wide', () => {
    const connection = { roundTripMs: 50 }
    const known = estimateEndpoint(inputWith({ conditions: { ...calm, connection } }), factsWith())
    expect(known).toMatchObject({ basis: 'assumed', samples: 0, totalMs: { typical: 250, high: 1_500 } })
    expect(estimateEndpoint(inputWith(), factsWith()).totalMs.typical).toBe(300)
  })
})

describe('whatever is known,', () => {
  const numbersOf = (estimate: Estimate) => [
    estimate.samples,
    estimate.unitMs,
    estimate.downloadBytes,
    estimate.memoryBytes,
    ...allRanges(estimate).flatMap(({ typical, high }) => [typical, high]),
  ]
  const expectSane = (estimate: Estimate) => {
    for (const number of numbersOf(estimate)) expect(Number.isFinite(number) && number >= 0).toBe(true)
    for (const { typical, high } of allRanges(estimate)) expect(high).toBeGreaterThanOrEqual(typical)
  }

  it('an estimate is there, of finite numbers, the same each time, with its high end above', () => {
    fc.assert(
      fc.property(anyInput, anyManifest, anyBackend, anyFacts, (input, manifest, backend, facts) => {
        const [variant] = manifest.variants
        const estimate = estimateDevice(input, manifest, variant, backend)
        expectSane(estimate)
        expect(estimateDevice(input, manifest, variant, backend)).toEqual(estimate)
        expectSane(estimateEndpoint(input, facts))
        expect(estimateEndpoint(input, facts)).toEqual(estimateEndpoint(input, facts))
      }),
    )
  })

  it('more work never takes less', () => {
    fc.assert(
      fc.property(anyInput, anyManifest, anyBackend, anyFacts, fc.nat(1e6), (input, manifest, backend, facts, more) => {
        const larger = { ...input, units: input.units + more }
        const [variant] = manifest.variants
        const before = estimateDevice(input, manifest, variant, backend)
        const after = estimateDevice(larger, manifest, variant, backend)
        expect(after.totalMs.typical).toBeGreaterThanOrEqual(before.totalMs.typical)
        expect(after.totalMs.high).toBeGreaterThanOrEqual(before.totalMs.high)
        expect(estimateEndpoint(larger, facts).totalMs.typical).toBeGreaterThanOrEqual(
          estimateEndpoint(input, facts).totalMs.typical,
        )
      }),
    )
  })

  it('more bytes are never ready sooner, nor take less memory', () => {
    fc.assert(
      fc.property(anyInput, anyManifest, anyBackend, fc.nat(2 ** 30), (input, manifest, backend, more) => {
        const [{ dtype, graphs }] = manifest.variants
        const bytes = graphs['model']?.file.bytes ?? 0
        const before = estimateDevice(input, manifest, variantOf(bytes, dtype), backend)
        const after = estimateDevice(input, manifest, variantOf(bytes + more, dtype), backend)
        expect(after.totalMs.typical).toBeGreaterThanOrEqual(before.totalMs.typical)
        expect(after.memoryBytes).toBeGreaterThanOrEqual(before.memoryBytes)
      }),
    )
  })

  it('a faster link is never slower', () => {
    fc.assert(
      fc.property(anyInput, anyManifest, anyBackend, fc.nat(1e9), fc.nat(1e9), (input, manifest, backend, a, b) => {
        const at = (bytesPerSecond: number) =>
          estimateDevice({ ...input, link: { bytesPerSecond } }, manifest, manifest.variants[0], backend).totalMs
        expect(at(Math.max(a, b)).typical).toBeLessThanOrEqual(at(Math.min(a, b)).typical)
        expect(at(Math.max(a, b)).high).toBeLessThanOrEqual(at(Math.min(a, b)).high)
      }),
    )
  })
})

it('an endpoint that was slow is forgiven after a while, so that somebody asks it again; a fast one stays as measured', () => {
  const run = { fixedMs: 5_000, unitMs: 0, highFactor: 1, samples: 10, drift: 1, levelChange: 1, lastAt: 0 }
  const estimateOf = (fixedMs: number, isMeasuredLongAgo: boolean) =>
    estimateEndpoint(usualInput, {
      endpoint,
      isSpared: false,
      isMeasuredLongAgo,
      measurements: { run: { ...run, fixedMs } },
    })
  expect(estimateOf(5_000, false)).toMatchObject({ basis: 'measured', totalMs: { typical: 5_000 } })
  expect(estimateOf(5_000, true).basis).toBe('assumed')
  expect(estimateOf(20, true)).toMatchObject({ basis: 'measured', totalMs: { typical: 20 } })
})
