/** Runs some requests a second time after they were answered: to compare placements, and to find out what has recovered. */
import type {
  Conditions,
  Engine,
  EngineAnswer,
  EngineRequest,
  Placement,
  Plan,
  ResolvedPolicy,
  TaskName,
  TaskOutput,
} from '../contract/index.js'
import { toEdgewardError, type EdgewardError } from '../errors/index.js'
import { placementName, savesData, type Engines } from '../router/index.js'
import { abortable } from '../shared/index.js'
import type { Comparison } from '../telemetry/index.js'

/** A request that was answered. */
export interface AnsweredRequest<T extends TaskName = TaskName> {
  readonly plan: Plan
  readonly request: EngineRequest<T>
  readonly policy: ResolvedPolicy
  readonly conditions: Conditions
  /** Whether the machine is to do no work that can wait: by policy, for its battery or its CPU's sake. */
  readonly isStrained: boolean
  /** The engines that this request may reach. One that policy forbids is not among them. */
  readonly engines: Engines
  /** Whether a placement may be asked a second time: it rests not, nor is it loaded. */
  isAtEase(placement: Placement): boolean
  readonly answered: Placement
  readonly output: TaskOutput<T>
}

/** What a second run came to. */
export interface SecondRun {
  /** `shadow`: to compare two placements. `remeasure`: to see whether a placement is as slow as it was. */
  readonly purpose: 'shadow' | 'remeasure'
  readonly model: string
  readonly task: TaskName
  readonly answered: Placement
  /** Where it ran again. */
  readonly placement: Placement
  /** From the call to the second answer, waiting included, in milliseconds. */
  readonly ms: number
  readonly result:
    | { readonly state: 'answered'; readonly timings: EngineAnswer['timings']; readonly comparison: Comparison }
    | { readonly state: 'failed'; readonly error: EdgewardError }
}

export interface ShadowRunsOptions {
  /** The share of requests, 0 to 1, that are compared. */
  readonly shadowShare: number
  /** Aborts when the client is disposed. */
  readonly signal: AbortSignal
  /** 0 to 1; for tests. */
  readonly random?: () => number
  /** Milliseconds that only grow; for tests. */
  readonly now?: () => number
}

interface Choice {
  readonly purpose: SecondRun['purpose']
  readonly placement: Placement
  readonly engine: Engine
}

/** A placement that was left for its slowness is measured again at most once in as many milliseconds … */
const remeasureEveryMs = 5_000
/** … and once in as many requests. */
const remeasureEveryRequests = 4

export class ShadowRuns {
  readonly #options: Required<ShadowRunsOptions>
  #isRunning = false
  #remeasuredAt = -Infinity
  #requestsSince = 0

  constructor(options: ShadowRunsOptions) {
    this.#options = { random: Math.random, now: () => performance.now(), ...options }
  }

  /**
   * Decides whether the request is run again, and runs it. Takes copies of input and output first: when this returns, the
   * caller may change or close both. Resolves with what came of it, if it was run and the client is still there; never
   * rejects.
   */
  async consider<T extends TaskName>(answered: AnsweredRequest<T>): Promise<SecondRun | undefined> {
    const choice = this.#choose(answered)
    if (choice === undefined) return undefined
    this.#isRunning = true
    return this.#run(choice, answered).finally(() => (this.#isRunning = false))
  }

  #choose({ conditions, isStrained, ...answered }: AnsweredRequest): Choice | undefined {
    this.#requestsSince += 1
    if (this.#isRunning || this.#options.signal.aborted || conditions.hidden || isStrained) return undefined
    return this.#remeasure(answered.plan, answered.engines) ?? this.#shadow({ conditions, ...answered })
  }

  /** Under every policy: nothing leaves the device. */
  #remeasure({ remeasure: placement }: Plan, { device: engine }: Engines): Choice | undefined {
    if (placement === undefined || engine === undefined) return undefined
    const now = this.#options.now()
    if (this.#requestsSince < remeasureEveryRequests || now - this.#remeasuredAt < remeasureEveryMs) return undefined
    this.#requestsSince = 0
    this.#remeasuredAt = now
    return { purpose: 'remeasure', placement, engine }
  }

  #shadow(answered: Omit<AnsweredRequest, 'isStrained'>): Choice | undefined {
    const { residency, offline } = answered.policy
    const { shadowShare, random } = this.#options
    if (shadowShare === 0 || residency === 'local-only' || offline || random() >= shadowShare) return undefined
    for (const { placement, readiness } of answered.plan.placements) {
      const engine = engineFor(placement, answered)
      if (readiness === 'ready' && engine && isElsewhere(placement, answered.answered))
        return { purpose: 'shadow', placement, engine }
    }
    return undefined
  }

  async #run<T extends TaskName>(choice: Choice, answered: AnsweredRequest<T>): Promise<SecondRun | undefined> {
    const { now, signal } = this.#options
    const { purpose, placement } = choice
    const startedAt = now()
    const result = await this.#answer(choice, answered).catch((thrown: unknown) => {
      const error = toEdgewardError(thrown, 'INTERNAL', `A second run on ${placementName(placement)}`)
      return { state: 'failed', error } as const
    })
    if (signal.aborted) return undefined
    const { model, task } = answered.request
    return { purpose, model, task, answered: answered.answered, placement, ms: now() - startedAt, result }
  }

  async #answer<T extends TaskName>(
    { purpose, placement, engine }: Choice,
    { request, output }: AnsweredRequest<T>,
  ): Promise<SecondRun['result']> {
    // Both are the caller's, who may change, transfer or close them from now on.
    const input = structuredClone(request.input)
    const first = purpose === 'shadow' ? structuredClone(output) : undefined
    try {
      const { signal } = this.#options
      const again = await abortable(
        engine.run(placement, { ...unlimited(request), input, lane: 'background' }, signal),
        signal,
      )
      const { timings } = again
      if (first === undefined) return { state: 'answered', timings, comparison: {} }
      const { compareOutputs } = await import('./compare.js')
      const comparison = compareOutputs(request.task, request.manifest, first, again.output)
      return { state: 'answered', timings, comparison }
    } finally {
      close(input)
    }
  }
}

function engineFor(
  placement: Placement,
  { engines, conditions, policy, isAtEase }: Omit<AnsweredRequest, 'isStrained'>,
): Engine | undefined {
  if (!isAtEase(placement)) return undefined
  if (placement.engine === 'device') return engines.device
  const isTooDear = policy.prefer === 'cheapest' || savesData({ policy, conditions })
  return isTooDear ? undefined : engines.remotes.get(placement.endpoint)
}

/** Nobody waits for the answer: the request's own limits are over. */
function unlimited<T extends TaskName>({ deadlineAt: _deadlineAt, maxQueued: _maxQueued, ...rest }: EngineRequest<T>) {
  return rest
}

/** On another engine, or on another backend of the device. */
function isElsewhere(a: Placement, b: Placement): boolean {
  if (a.engine === 'device' && b.engine === 'device') return a.backend !== b.backend
  return a.engine !== b.engine
}

/** A copied picture keeps its pixels until it is closed. */
function close(input: unknown): void {
  const isPicture =
    (typeof ImageBitmap !== 'undefined' && input instanceof ImageBitmap) ||
    (typeof VideoFrame !== 'undefined' && input instanceof VideoFrame)
  if (isPicture) input.close()
}
