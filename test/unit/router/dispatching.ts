/** Plans, engines and contexts that the tests of dispatching start from. */
import { onTestFinished } from 'vitest'
import type {
  Attempt,
  Engine,
  EngineRequest,
  Estimate,
  ModelSource,
  Placement,
  Plan,
  PlannedPlacement,
} from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError, type ErrorCode } from '../../../packages/sdk/src/errors/index.js'
import {
  Deadline,
  RetryBudget,
  type DispatchContext,
  type Engines,
  type Tried,
} from '../../../packages/sdk/src/router/index.js'
import { neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { endpoint, everywhere } from './inputs.js'

export const webgpu: Placement = { engine: 'device', backend: 'webgpu', variant: 'fp32' }
export const wasm: Placement = { engine: 'device', backend: 'wasm', variant: 'fp32' }
export const remote = { engine: 'remote', endpoint } satisfies Placement
export const elsewhere = { engine: 'remote', endpoint: 'https://elsewhere.example/' } satisfies Placement
export const everything: readonly Placement[] = [webgpu, wasm, remote]

export const source: ModelSource = { manifest: everywhere, manifestUrl: 'https://models.example/model/manifest.json' }
export const request: EngineRequest<'tensors'> = { model: 'model', task: 'tensors', input: {}, options: {}, ...source }
export const answer = { output: {}, timings: { inferenceMs: 1 } }

export const failWith = (code: ErrorCode) => () =>
  Promise.reject(new EdgewardError(code, `failed by ${code}`, { details: { code } }))

/** Behaves as each of these in turn, and then as the last. */
export function inTurn(...behaviours: readonly Behaviour[]): Behaviour {
  let times = 0
  return (...args) => (behaviours[Math.min(times++, behaviours.length - 1)] ?? hang)(...args)
}

export const succeed = () => Promise.resolve(answer)

/** Never answers, whatever happens. */
export const hang = () => new Promise<never>(() => undefined)

export const estimate: Estimate = {
  basis: 'measured',
  samples: 10,
  readyMs: { typical: 0, high: 0 },
  firstOutputMs: { typical: 50, high: 100 },
  unitMs: 0,
  totalMs: { typical: 50, high: 100 },
  downloadBytes: 0,
  memoryBytes: 0,
}

export function planned(placement: Placement, change: Partial<PlannedPlacement> = {}): PlannedPlacement {
  return { placement, reason: 'test', estimate, readiness: 'ready', ...change }
}

export function planOf(placements: readonly (Placement | PlannedPlacement)[], ruledOut: Plan['ruledOut'] = []): Plan {
  const complete = placements.map((each) => ('placement' in each ? each : planned(each)))
  return { model: 'model', placements: complete, ruledOut, shifts: [] }
}

export type Name = 'webgpu' | 'wasm' | 'remote' | 'elsewhere'
export type Behaviour = (signal: AbortSignal, asked: EngineRequest) => Promise<unknown>

export function nameOf(placement: Placement): Name {
  if (placement.engine === 'device') return placement.backend
  return placement.endpoint === endpoint ? 'remote' : 'elsewhere'
}

/** Engines that behave by placement, and the names of those that were asked, in order. */
function createEngines(behaviours: Partial<Record<Name, Behaviour>>) {
  const asked: Name[] = []
  const behave = (placement: Placement, signal: AbortSignal, what: EngineRequest) => {
    const name = nameOf(placement)
    asked.push(name)
    return behaviours[name]?.(signal, what) ?? Promise.resolve(answer)
  }
  const engine = (kind: Placement['engine']): Engine => ({
    kind,
    prepare: (placement, _source, signal) => behave(placement, signal, request).then(() => undefined),
    run: (placement, what, signal) => behave(placement, signal, what) as never,
    dispose: () => Promise.resolve(),
  })
  const remotes = new Map([remote, elsewhere].map(({ endpoint: address }) => [address, engine('remote')]))
  const engines: Engines = { device: engine('device'), remotes }
  return { engines, asked }
}

interface SetUp {
  readonly signal?: AbortSignal
  readonly deadlineMs?: number
  readonly hedge?: Partial<DispatchContext['hedge']>
  /** Every delay is as long as it can be. */
  readonly retry?: Partial<DispatchContext['retry']>
  readonly waitsForDevice?: boolean
}

export function setUp(behaviours: Partial<Record<Name, Behaviour>>, options: SetUp = {}) {
  const { signal = neverAborted(), deadlineMs = Infinity, hedge, retry, waitsForDevice = false } = options
  const { engines, asked } = createEngines(behaviours)
  const told: Attempt[] = []
  const tried: Tried[] = []
  const hedged: [Name, Name][] = []
  const replayed: Name[] = []
  const retried: [Name, number][] = []
  const startedAt = performance.now()
  const deadline = new Deadline(deadlineMs, startedAt, signal)
  onTestFinished(() => deadline.dispose())
  const context: DispatchContext = {
    engines,
    deadline,
    startedAt,
    onFallback: (attempt) => void told.push(attempt),
    onTried: (each) => void tried.push(each),
    onReplay: (placement) => void replayed.push(nameOf(placement)),
    waitsForDevice,
    ...(retry && {
      retry: {
        budget: new RetryBudget(),
        random: () => 1,
        onRetry: (placement, delayMs) => void retried.push([nameOf(placement), delayMs]),
        ...retry,
      },
    }),
    ...(hedge && {
      hedge: {
        delayMs: () => 100,
        mayHedge: () => true,
        onHedge: (first, second) => void hedged.push([nameOf(first), nameOf(second)]),
        ...hedge,
      },
    }),
  }
  /** What became of whom, in the order of the ends. */
  const ends = () => tried.map(({ placement, outcome }) => [nameOf(placement), outcome])
  return { context, asked, told, tried, ends, hedged, replayed, retried }
}
