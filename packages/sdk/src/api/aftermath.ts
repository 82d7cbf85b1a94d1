/** What follows from plans, attempts and answers: what is learnt, loaded in the background, run again, and told. */
import type {
  Conditions,
  EdgewardEvents,
  EngineRequest,
  Placement,
  ResolvedPolicy,
  Result,
  TaskName,
  TaskOutput,
} from '../contract/index.js'
import { isEdgewardError } from '../errors/index.js'
import { isUnderPressure, placementName, weakness, type Engines, type Tried } from '../router/index.js'
import { splitModelName } from '../shared/index.js'
import type { Emitter } from '../telemetry/index.js'
import type { BackgroundLoads } from './background-loads.js'
import type { BackgroundUpdates } from './background-updates.js'
import type { IdleBenchmark } from './idle-benchmark.js'
import type { Knowledge } from './knowledge.js'
import type { Learning } from './learning.js'
import type { Planned, PlanRequest } from './planner.js'
import { reachableEngines } from './reachable-engines.js'
import type { SecondRun, ShadowRuns } from './shadow-runs.js'

export interface AftermathParts {
  readonly emitter: Emitter<EdgewardEvents>
  readonly engines: Engines
  readonly knowledge: Knowledge
  readonly learning: Learning
  readonly loads: BackgroundLoads
  readonly updates: BackgroundUpdates
  readonly shadows: ShadowRuns
  readonly benchmark: IdleBenchmark
  /** Aborts when the client is disposed. */
  readonly disposing: AbortSignal
}

export class Aftermath {
  readonly #parts: AftermathParts
  /** The models that this client has answered with on the device: they keep their revision. */
  readonly #used = new Set<string>()
  /** Where each model's requests went last. */
  readonly #first = new Map<string, Placement>()

  constructor(parts: AftermathParts) {
    this.#parts = parts
  }

  /** A request is about to be answered so. Returns why it goes elsewhere than those before it, if it does. */
  planned(planned: Planned, { policy, purpose, lane }: PlanRequest): string | undefined {
    const { learning, loads, knowledge } = this.#parts
    learning.planned(planned)
    knowledge.breakers.check(planned.planned)
    const { prepareNext } = planned.planned
    if (prepareNext && !isEdgewardError(planned.source)) loads.consider(planned, prepareNext, planned.source)
    // One with a policy of its own, or that may take its time, says nothing about where the others go.
    return policy === undefined && purpose !== 'prepare' && lane !== 'background' ? this.#tellMove(planned) : undefined
  }

  tried(planned: Planned, tried: Tried, units: number): void {
    this.#parts.learning.tried(planned, tried, units)
  }

  answered<T extends TaskName>(
    planned: Planned,
    request: EngineRequest<T>,
    result: Result<TaskOutput<T>>,
    units: number,
  ): void {
    const { benchmark, shadows, knowledge, engines } = this.#parts
    const { planned: plan, policy, capabilities } = planned
    const { conditions } = knowledge
    if (engines.device && weakness({ policy, conditions }) === undefined) benchmark.consider(capabilities)
    const second = shadows.consider({
      ...{ plan, request, policy, conditions, answered: result.placement, output: result.output },
      engines: reachableEngines(engines, policy),
      isStrained: isStrained(policy, conditions),
      isAtEase: (placement) => knowledge.isAtEase(placement, request.manifest, capabilities),
    })
    void second.then((run) => run && this.#sawSecondRun(planned, run, units))
  }

  /** Whether work may be done that nobody waits for, or that is done twice. */
  maySpend(policy: ResolvedPolicy): boolean {
    const { conditions } = this.#parts.knowledge
    return !conditions.hidden && !isStrained(policy, conditions)
  }

  /** A model was used on the device. */
  used(planned: Planned): void {
    this.#used.add(planned.model)
    const { updates, knowledge, disposing } = this.#parts
    updates.consider(planned, knowledge.conditions, disposing)
  }

  isUsed(model: string): boolean {
    return this.#used.has(model)
  }

  /** The revision that was used is gone. */
  forget(model: string): void {
    this.#used.delete(model)
  }

  lastByteAt(model: string): number | undefined {
    return this.#parts.learning.lastByteAt(splitModelName(model).id)
  }

  #sawSecondRun(planned: Planned, run: SecondRun, units: number): void {
    const { emitter, learning } = this.#parts
    learning.ranAgain(planned, run, units)
    const { model, task, answered, placement: shadow, purpose, result } = run
    if (purpose === 'remeasure' || result.state === 'failed') return
    emitter.emit('shadow', { model, task, answered, shadow, ...result.comparison })
  }

  #tellMove({ model, planned }: Planned): string | undefined {
    const [first] = planned.placements
    const before = this.#first.get(model)
    if (first === undefined) return undefined
    const { placement: to, reason } = first
    this.#first.set(model, to)
    if (before === undefined || placementName(before) === placementName(to)) return undefined
    this.#parts.emitter.emit('placement', { model: splitModelName(model).id, from: before, to, reason })
    return reason
  }
}

/** Whether the machine is to do nothing that can wait. */
function isStrained(policy: ResolvedPolicy, conditions: Conditions): boolean {
  return isUnderPressure(conditions) || weakness({ policy, conditions }) !== undefined
}
