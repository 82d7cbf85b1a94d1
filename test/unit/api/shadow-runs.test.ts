/** Second runs of answered requests: when there is one, where, and what comes of it. */
import { describe, expect, it } from 'vitest'
import { ShadowRuns, type AnsweredRequest, type SecondRun } from '../../../packages/sdk/src/api/shadow-runs.js'
import type {
  Engine,
  Estimate,
  Placement,
  Plan,
  Readiness,
  TensorMap,
} from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { createDeferred } from '../../../packages/sdk/src/shared/index.js'
import { anywhere, endpoint, everywhere, localOnly } from '../router/inputs.js'
import { engineOf, remote, wasm, x, y } from './fake-client.js'

const gpu: Placement = { engine: 'device', backend: 'webgpu', variant: 'fp32' }
const devicePlacement = { engine: 'device', backend: 'wasm', variant: 'fp32' } as const

const range = { typical: 1, high: 1 }
const estimate: Estimate = {
  basis: 'assumed',
  samples: 0,
  readyMs: range,
  firstOutputMs: range,
  unitMs: 0,
  totalMs: range,
  downloadBytes: 0,
  memoryBytes: 0,
}

function planOf(placements: readonly (readonly [Placement, Readiness])[], rest: Partial<Plan> = {}): Plan {
  const planned = placements.map(([placement, readiness]) => ({ placement, readiness, reason: '', estimate }))
  return { model: 'model', placements: planned, ruledOut: [], shifts: [], ...rest }
}

const deviceAndEndpoint = planOf([
  [wasm, 'ready'],
  [remote, 'ready'],
])

/** Shadow runs over engines that write down what they were asked. */
function setUp({ shadowShare = 1, random = () => 0, now = () => 0, device = {}, remotely = {} }: SetUp = {}) {
  const disposing = new AbortController()
  const asked: { readonly placement: Placement; readonly lane: string | undefined; readonly input: unknown }[] = []
  const runs: SecondRun[] = []
  const noting = (kind: Placement['engine'], behaviour: Partial<Engine>): Engine => {
    const { run, ...rest } = engineOf(kind, behaviour)
    return {
      ...rest,
      run(placement, request, signal) {
        asked.push({ placement, lane: request.lane, input: request.input })
        return run(placement, request, signal)
      },
    }
  }
  const engines = { device: noting('device', device), remotes: new Map([[endpoint, noting('remote', remotely)]]) }
  const real = new ShadowRuns({ shadowShare, signal: disposing.signal, random, now })
  const shadowRuns = {
    async consider(request: Parameters<typeof real.consider>[0]) {
      const run = await real.consider(request)
      if (run) runs.push(run)
    },
  }
  const answered: AnsweredRequest<'tensors'> = {
    plan: deviceAndEndpoint,
    request: { model: 'model', task: 'tensors', input: x, options: {}, manifest: everywhere, lane: 'interactive' },
    policy: anywhere,
    conditions: { hidden: false, saveData: false },
    isStrained: false,
    engines,
    isAtEase: () => true,
    answered: wasm,
    output: y,
  }
  return { shadowRuns, answered, asked, runs, disposing }
}

interface SetUp {
  readonly shadowShare?: number
  readonly random?: () => number
  readonly now?: () => number
  readonly device?: Partial<Engine>
  readonly remotely?: Partial<Engine>
}

const failing = (code: 'RUN_FAILED'): Partial<Engine> => ({ run: () => Promise.reject(new EdgewardError(code, code)) })

describe('a shadow run', () => {
  it('answers the request on another engine, in the lane background, and compares', async () => {
    const { shadowRuns, answered, asked, runs } = setUp()
    await shadowRuns.consider(answered)
    expect(asked).toMatchObject([{ placement: remote, lane: 'background', input: x }])
    expect(runs).toMatchObject([
      {
        purpose: 'shadow',
        model: 'model',
        answered: wasm,
        placement: remote,
        result: { state: 'answered', timings: { inferenceMs: 1 }, comparison: { largestDifference: 0 } },
      },
    ])
  })

  it('runs on another backend of the device, when that one is ready', async () => {
    const { shadowRuns, answered, asked } = setUp()
    const plan = planOf([
      [wasm, 'ready'],
      [gpu, 'ready'],
      [remote, 'ready'],
    ])
    await shadowRuns.consider({ ...answered, plan })
    expect(asked).toMatchObject([{ placement: gpu }])
  })

  it('does not make a placement ready for it', async () => {
    const { shadowRuns, answered, asked } = setUp()
    const notReady = (['cached', 'loading', 'absent'] as const).map((readiness) => [gpu, readiness] as const)
    await shadowRuns.consider({ ...answered, plan: planOf([[wasm, 'ready'], ...notReady]) })
    expect(asked).toEqual([])
  })

  it('is made for the share of requests that was asked for', async () => {
    let draw = 0
    const { shadowRuns, answered, asked } = setUp({ shadowShare: 0.25, random: () => (draw++ % 8) / 8 })
    for (let request = 0; request < 16; request += 1) await shadowRuns.consider(answered)
    expect(asked).toHaveLength(4)
  })

  it.each<[string, Partial<AnsweredRequest<'tensors'>>]>([
    ['when the request is local-only', { policy: localOnly }],
    ['offline', { policy: { ...anywhere, offline: true } }],
    ['when nobody sees the page', { conditions: { hidden: true, saveData: false } }],
    ['when power is low', { isStrained: true }],
    ['at a placement that rests, or is loaded', { isAtEase: () => false }],
    ['at an endpoint when data is to be saved', { conditions: { hidden: false, saveData: true } }],
    ['at an endpoint under cheapest', { policy: { ...anywhere, prefer: 'cheapest' } }],
    ['at an endpoint that the request may not reach', { engines: { device: engineOf('device'), remotes: new Map() } }],
  ])('is not made %s', async (_when, change) => {
    const { shadowRuns, answered, asked } = setUp()
    await shadowRuns.consider({ ...answered, ...change })
    expect(asked).toEqual([])
  })

  it('is not made while another one is running', async () => {
    const held = createDeferred<never>()
    const { shadowRuns, answered, asked, disposing } = setUp({ remotely: { run: () => held.promise } })
    const first = shadowRuns.consider(answered)
    await shadowRuns.consider(answered)
    expect(asked).toHaveLength(1)
    disposing.abort()
    await first
  })

  it('works on copies: the caller may change input and output at once', async () => {
    const seen = createDeferred<TensorMap>()
    const answer = createDeferred<undefined>()
    const run: Engine['run'] = async (_placement, request) => {
      seen.resolve(request.input as TensorMap)
      await answer.promise
      return { output: y, timings: {} } // Of the task that was asked for.
    }
    const { shadowRuns, answered, runs } = setUp({ remotely: { run } })
    const tensor = (value: number) => ({ dtype: 'float32' as const, shape: [1], data: Float32Array.of(value) })
    const [input, output] = [{ x: tensor(1) }, { y: tensor(2) }]
    const done = shadowRuns.consider({ ...answered, request: { ...answered.request, input }, output })
    input.x.data[0] = 99
    output.y.data[0] = 99
    answer.resolve(undefined)
    await done
    expect(await seen.promise).toEqual(x)
    expect(runs).toMatchObject([{ result: { comparison: { largestDifference: 0 } } }])
  })

  it('that fails tells its code and nobody else', async () => {
    const { shadowRuns, answered, runs } = setUp({ remotely: failing('RUN_FAILED') })
    await shadowRuns.consider(answered)
    expect(runs).toMatchObject([{ placement: remote, result: { state: 'failed', error: { code: 'RUN_FAILED' } } }])
  })

  it('ends with the client, and tells nobody then', async () => {
    const never = () => new Promise<never>(() => undefined)
    const { shadowRuns, answered, runs, disposing } = setUp({ remotely: { run: never } })
    const done = shadowRuns.consider(answered)
    disposing.abort()
    await done
    await shadowRuns.consider(answered)
    expect(runs).toEqual([])
  })
})

describe('a placement that was left for its slowness', () => {
  const leftDevice = planOf(
    [
      [remote, 'ready'],
      [wasm, 'ready'],
    ],
    { remeasure: devicePlacement },
  )

  it('runs every fourth request again, at most every five seconds, and compares nothing', async () => {
    let time = 0
    const { shadowRuns, answered, asked, runs } = setUp({ shadowShare: 0, now: () => time })
    const askedAt: number[] = []
    for (let request = 1; request <= 16; request += 1) {
      time += 1_000
      const before = asked.length
      await shadowRuns.consider({ ...answered, plan: leftDevice, answered: remote })
      if (asked.length > before) askedAt.push(request)
    }
    expect(askedAt).toEqual([4, 9, 14])
    expect(runs[0]).toMatchObject({ purpose: 'remeasure', placement: wasm, result: { comparison: {} } })
    expect(asked[0]).toMatchObject({ lane: 'background' })
  })

  it('does so under every policy, since nothing leaves the device', async () => {
    const { shadowRuns, answered, asked } = setUp()
    for (let request = 0; request < 4; request += 1)
      await shadowRuns.consider({ ...answered, plan: leftDevice, policy: { ...localOnly, offline: true } })
    expect(asked).toMatchObject([{ placement: wasm }])
  })

  it.each<[string, Partial<AnsweredRequest<'tensors'>>]>([
    ['when power is low', { isStrained: true }],
    ['when nobody sees the page', { conditions: { hidden: true, saveData: false } }],
  ])('does not %s', async (_when, change) => {
    const { shadowRuns, answered, asked } = setUp({ shadowShare: 0 })
    for (let request = 0; request < 4; request += 1)
      await shadowRuns.consider({ ...answered, plan: leftDevice, ...change })
    expect(asked).toEqual([])
  })
})
