/**
 * Edgeward in the simulator: the SDK's own plan, dispatch, hedging, measurements and load sharing, on simulated engines. Only
 * what joins them in `api/` is done here, as it is done there.
 */
import { clientDefaults } from '../../packages/sdk/src/api/options.js'
import { ShadowRuns } from '../../packages/sdk/src/api/shadow-runs.js'
import type {
  Backend,
  Engine,
  EngineAnswer,
  EngineRequest,
  Placement,
  Plan,
  PlacementMeasurements,
  ResolvedPolicy,
  TaskOutput,
} from '../../packages/sdk/src/contract/index.js'
import { EdgewardError } from '../../packages/sdk/src/errors/index.js'
import {
  Deadline,
  dispatch,
  EndpointBreakers,
  EndpointLoads,
  HedgeBudget,
  hedgeDelay,
  placementName,
  plan,
  weakness,
  type Engines,
  type Tried,
} from '../../packages/sdk/src/router/index.js'
import { neverAborted } from '../../packages/sdk/src/shared/index.js'
import { Measurements } from '../../packages/sdk/src/telemetry/index.js'
import { askEndpoint } from './remote.js'
import type { Answer, Client, Strategy, VisitParts } from './replay.js'
import { addressOf, describeVisit, startedAt, whatWasMeasured, type VisitFacts } from './visit-facts.js'

export type LoadSharing = 'reports' | 'refusals' | 'none'

export interface EdgewardOptions {
  readonly prefer: ResolvedPolicy['prefer']
  /**
   * What of the endpoint's load is heeded: its reports and refusals; its refusals only, as with `loadReports: false`; nothing,
   * which the SDK does not offer.
   */
  readonly loadSharing?: LoadSharing
}

export function edgeward(name: string, { prefer, loadSharing = 'reports' }: EdgewardOptions): Strategy {
  const policy: ResolvedPolicy = { ...clientDefaults.policy, prefer }
  return { name, isPausing: true, createClient: (parts) => new SimulatedClient(parts, policy, loadSharing) }
}

/** How long after its first request a new visitor's device has been measured. */
const benchmarkAfterMs = 2_000

class SimulatedClient implements Client {
  readonly #parts: VisitParts
  readonly #policy: ResolvedPolicy
  readonly #loadSharing: LoadSharing
  readonly #facts: VisitFacts
  readonly #measurements: Measurements
  readonly #loads: EndpointLoads
  readonly #breakers: EndpointBreakers
  readonly #budget = new HedgeBudget(clientDefaults.hedgeShare)
  readonly #secondRuns: ShadowRuns
  readonly #engines: Engines
  /** What was started in the background: once for each backend. */
  readonly #prepared = new Set<Backend>()
  readonly #cameAt: number

  constructor(parts: VisitParts, policy: ResolvedPolicy, loadSharing: LoadSharing) {
    const { clock, visit, random } = parts
    this.#parts = parts
    this.#policy = policy
    this.#loadSharing = loadSharing
    this.#facts = describeVisit(visit)
    this.#cameAt = clock.now
    this.#measurements = new Measurements(() => startedAt + clock.now)
    this.#measurements.load(whatWasMeasured(visit, random, parts.device))
    this.#loads = new EndpointLoads(() => random.next())
    this.#breakers = new EndpointBreakers({
      random: () => random.next(),
      now: () => startedAt + clock.now,
      // Also when it is full: it is ready as soon as a request gets there and back.
      isReady: () => parts.link.travel(() => Promise.resolve(), neverAborted()),
    })
    this.#engines = { device: this.#device(), remotes: new Map([[addressOf, this.#remote()]]) }
    this.#secondRuns = new ShadowRuns({
      shadowShare: 0,
      signal: neverAborted(),
      random: () => random.next(),
      now: () => clock.now,
    })
  }

  async answer(tokens: number): Promise<Answer> {
    const { clock } = this.#parts
    const planned = this.#plan(tokens)
    this.#breakers.check(planned)
    this.#prepare(planned)
    const request: EngineRequest<'tensors'> = {
      model: this.#facts.manifest.id,
      task: 'tensors',
      input: { tokens: { dtype: 'int32', shape: [1], data: Int32Array.of(tokens) } },
      options: {},
    }
    this.#budget.countRequest()
    const deadline = new Deadline(this.#policy.deadlineMs, clock.now, neverAborted())
    try {
      const { placement, output } = await dispatch(planned, request, {
        engines: this.#engines,
        deadline,
        startedAt: clock.now,
        hedge: { delayMs: hedgeDelay, mayHedge: () => this.#budget.take(), onHedge: nothing },
        onFallback: nothing,
        onTried: (tried) => this.#learn(tried, tokens),
      })
      void this.#runAgain({ planned, request, placement, output }, tokens)
      return { isAnswered: true, isLocal: placement.engine === 'device' }
    } catch {
      return { isAnswered: false, isLocal: false } // Counted as failed, whatever it failed with.
    } finally {
      deadline.dispose()
    }
  }

  #plan(units: number): Plan {
    const { clock, device, visit, link } = this.#parts
    const { manifest, capabilities, conditions, benchmark, placements, endpointKey } = this.#facts
    const now = clock.now
    const isMeasured = visit.isReturning || now - this.#cameAt >= benchmarkAfterMs
    const measured = placements.flatMap(({ name, key }): (readonly [string, PlacementMeasurements])[] => {
      const found = this.#measurements.of(key)
      return found ? [[name, found]] : []
    })
    return plan({
      model: manifest.id,
      task: 'tensors',
      manifest,
      capabilities,
      conditions,
      policy: this.#policy,
      device: { enabled: true, backends: undefined, threads: 1 },
      endpoints: [
        {
          endpoint: addressOf,
          measurements: this.#measurements.of(endpointKey),
          load: this.#loads.of(addressOf, now),
          isSpared: this.#loads.isSpared(addressOf, now),
          resting: this.#breakers.of(addressOf),
        },
      ],
      units,
      lane: 'default',
      purpose: 'answer',
      readiness: new Map(placements.map(({ name, backend }) => [name, device.readiness(backend)])),
      measurements: new Map(measured),
      resting: new Map(),
      benchmark: isMeasured ? benchmark : undefined,
      link: link.downloadedBytes > 0 ? { bytesPerSecond: visit.bytesPerSecond } : {},
    })
  }

  #prepare({ prepareNext }: Plan): void {
    if (prepareNext === undefined || this.#prepared.has(prepareNext.backend)) return
    this.#prepared.add(prepareNext.backend)
    // Its failure is met again, and told, by the request that needs it.
    this.#load(prepareNext).catch(nothing)
  }

  async #load(placement: Extract<Placement, { engine: 'device' }>): Promise<void> {
    const { device, visit } = this.#parts
    const wasCached = device.readiness(placement.backend) === 'cached'
    const outcome = await device.load(placement.backend)
    if ('code' in outcome) throw new EdgewardError(outcome.code, outcome.code)
    if (wasCached) this.#measurements.addLoad(this.#facts.keyOf(placement), visit.model.bytes, outcome.ms)
  }

  #learn({ placement, outcome, durationMs, timings, retryAfterMs }: Tried, units: number): void {
    const now = this.#parts.clock.now
    if (placement.engine === 'remote') {
      if (outcome === 'answered') this.#breakers.succeeded(addressOf)
      else if (outcome !== 'cancelled' && outcome !== 'aborted') {
        if (outcome === 'REMOTE_OVERLOADED' && this.#loadSharing !== 'none') this.#loads.refused(addressOf, now)
        this.#breakers.failed(addressOf, { code: outcome, retryAfterMs })
      }
    }
    // One that lost against a hedge would have taken at least this long.
    if (outcome === 'answered' || outcome === 'cancelled') {
      const isTimed = placement.engine === 'device' && outcome === 'answered'
      this.#addRun(placement, isTimed ? (timings?.inferenceMs ?? 0) : durationMs, units)
    }
  }

  #addRun(placement: Placement, ms: number, units: number): void {
    this.#measurements.addRun(this.#facts.keyOf(placement), units, ms)
  }

  async #runAgain({ planned, request, placement, output }: Answered, units: number): Promise<void> {
    const { conditions } = this.#facts
    const policy = this.#policy
    const second = await this.#secondRuns.consider({
      ...{ plan: planned, request, policy, conditions, output, answered: placement },
      isStrained: weakness({ policy, conditions }) !== undefined,
      engines: this.#engines,
      // No device of this simulation fails, and so none rests.
      isAtEase: (asked) => asked.engine === 'device' || !this.#loads.isSpared(asked.endpoint, this.#parts.clock.now),
    })
    if (second?.result.state === 'answered') {
      this.#addRun(second.placement, second.result.timings.inferenceMs ?? 0, units)
    }
  }

  #device(): Engine {
    return engineOf('device', async (placement, tokens) => {
      if (placement.engine !== 'device') throw new EdgewardError('INTERNAL', placementName(placement))
      const { clock, device } = this.#parts
      const calledAt = clock.now
      if (device.readiness(placement.backend) !== 'ready') await this.#load(placement)
      const loadMs = clock.now - calledAt
      const outcome = await device.run(placement.backend, tokens)
      if ('code' in outcome) throw new EdgewardError(outcome.code, outcome.code)
      return { loadMs, inferenceMs: outcome.ms }
    })
  }

  #remote(): Engine {
    return engineOf('remote', async (_placement, tokens, signal) => {
      const { clock, endpoint } = this.#parts
      const calledAt = clock.now
      const outcome = await askEndpoint(this.#parts, tokens, signal)
      if (outcome === 'cut') throw new EdgewardError('REMOTE_UNREACHABLE', 'no network')
      if (this.#loadSharing === 'reports') this.#loads.report(addressOf, { ...endpoint.load, at: clock.now })
      if (outcome === 'answered') return { inferenceMs: clock.now - calledAt }
      const details = { retryAfterMs: this.#facts.retryAfterMs }
      throw new EdgewardError('REMOTE_OVERLOADED', 'the queue is full', { details })
    })
  }
}

interface Answered {
  readonly planned: Plan
  readonly request: EngineRequest<'tensors'>
  readonly placement: Placement
  readonly output: TaskOutput<'tensors'>
}

type Run = (placement: Placement, tokens: number, signal: AbortSignal) => Promise<EngineAnswer['timings']>

function engineOf(kind: Placement['engine'], run: Run): Engine {
  return {
    kind,
    prepare: () => Promise.resolve(),
    run: async (placement, request, signal) => {
      const { tokens } = request.input as EngineRequest<'tensors'>['input']
      const timings = await run(placement, Number(tokens?.data[0]), signal)
      return { output: {}, timings } // Of the task that was asked for.
    },
    dispose: () => Promise.resolve(),
  }
}

function nothing(): void {
  // Nobody listens.
}
