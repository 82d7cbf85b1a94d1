/** Answers requests: plans each one, has it answered, and records it. */
import type {
  EdgewardEvents,
  ModelSource,
  Placement,
  Result,
  TaskInput,
  TaskName,
  TaskOptions,
  TaskOutput,
  Trace,
} from '../contract/index.js'
import { isEdgewardError, type ErrorCode } from '../errors/index.js'
import {
  Deadline,
  dispatch,
  prepareFirst,
  RetryBudget,
  type DispatchContext,
  type Engines,
  type Tried,
} from '../router/index.js'
import { abortable, splitModelName } from '../shared/index.js'
import { prepareInput, unitsOf } from '../tasks/page.js'
import type { Emitter } from '../telemetry/index.js'
import type { Aftermath } from './aftermath.js'
import { nameOf, newCall, note, traceOf, type Call } from './call.js'
import type { Hedging } from './hedging.js'
import type { PipelineOptions, PrepareOptions } from './options.js'
import { codesOf, foundOf, type Planned, type Planner, type PlanRequest } from './planner.js'
import { reachableEngines } from './reachable-engines.js'

export interface RequestsParts {
  readonly engines: Engines
  readonly emitter: Emitter<EdgewardEvents>
  readonly planner: Planner
  readonly aftermath: Aftermath
  readonly hedging: Hedging
}

/** How requests are planned, dispatched and told of. */
export interface StreamingParts extends Pick<RequestsParts, 'planner' | 'aftermath' | 'hedging'> {
  plan(request: PlanRequest, signal: AbortSignal, call: Call): Promise<Planned>
  context(planned: Planned, call: Call, deadline: Deadline): DispatchContext
  tellAnswer(call: Call, result: Omit<Result<unknown>, 'output'>): void
  tellTrace(call: Call, outcome: Trace['outcome']): void
}

/** What working by a plan came to. */
interface Worked<V> {
  readonly placement: Placement
  readonly value: V
  /** What ended the attempts before. */
  readonly codes?: readonly ErrorCode[]
}

export class Requests {
  readonly #parts: RequestsParts
  readonly #retries = new RetryBudget()

  constructor(parts: RequestsParts) {
    this.#parts = parts
  }

  /** @param signal - the caller's, which also aborts when the client is disposed */
  async answer<T extends TaskName>(
    task: T,
    model: string,
    input: TaskInput<T>,
    options: PipelineOptions<T>,
    signal: AbortSignal,
  ): Promise<Result<TaskOutput<T>>> {
    const { planner, aftermath, hedging } = this.#parts
    const { policy, lane = 'default' } = options
    const call: Call = newCall(task, model, lane)
    const deadline = new Deadline(planner.policyOf(policy).deadlineMs, call.startedAt, signal)
    let prepared: Awaited<ReturnType<typeof prepareInput<T>>> | undefined
    try {
      prepared = await readInput(task, input, deadline.signal)
      call.units = unitsOf(task, prepared.input)
      const own = { input: prepared.input, options: taskOptionsOf(options) }
      const request = { model, task, policy, lane, units: call.units, load: 'sessions' } as const
      const result = await this.#withPlan(request, deadline, call, async (planned) => {
        const engineRequest = { ...requestOf(planned), task, lane, maxQueued: planned.policy.maxQueued, ...own }
        const context = { ...this.#context(planned, call, deadline), ...hedging.of(call, planned) }
        const answered = await dispatch(planned.planned, engineRequest, context)
        aftermath.answered(planned, engineRequest, answered, call.units)
        return { placement: answered.placement, value: answered, codes: answered.attempts.map(({ code }) => code) }
      })
      this.#tellAnswer(call, result)
      this.#tellTrace(call, 'answered')
      return result
    } catch (error) {
      this.#tellTrace(call, isEdgewardError(error) ? error.code : 'aborted')
      throw error
    } finally {
      deadline.dispose()
      prepared?.dispose()
    }
  }

  /** What a stream of text is answered with. */
  get streaming(): StreamingParts {
    const { planner, aftermath, hedging } = this.#parts
    return {
      ...{ planner, aftermath, hedging },
      plan: (...asked) => this.#plan(...asked),
      context: (...asked) => this.#context(...asked),
      tellAnswer: (...told) => this.#tellAnswer(...told),
      tellTrace: (...told) => this.#tellTrace(...told),
    }
  }

  async prepare(model: string, { policy }: PrepareOptions, signal: AbortSignal): Promise<Placement> {
    const request = { model, policy, load: 'sessions', purpose: 'prepare' } as const
    const call = newCall('tensors', model, 'default')
    // A deadline is for answers: nobody would want half a download.
    const deadline = new Deadline(Infinity, call.startedAt, signal)
    return this.#withPlan(request, deadline, call, async (planned) => {
      const source = isEdgewardError(planned.source) ? undefined : (planned.source satisfies ModelSource)
      const context = this.#context(planned, call, deadline)
      // That it went well is no answer: an endpoint's `prepare` asks nobody.
      const onTried = (tried: Tried) => (tried.outcome === 'answered' ? undefined : context.onTried(tried))
      const placement = await prepareFirst(planned.planned, source, { ...context, onTried })
      return { placement, value: placement }
    })
  }

  /** Works by a plan; by another one when the revision that it was made for has left the cache meanwhile. */
  async #withPlan<V>(
    request: PlanRequest,
    { signal }: Deadline,
    call: Call,
    work: (planned: Planned) => Promise<Worked<V>>,
  ): Promise<V> {
    const { planner, aftermath } = this.#parts
    const planned = await this.#plan(request, signal, call)
    try {
      const { placement, value, codes = [] } = await work(planned)
      if (planner.reconsider(planned, codes)) aftermath.forget(request.model)
      else if (placement.engine === 'device') aftermath.used(planned)
      return value
    } catch (error) {
      if (signal.aborted || !(await planner.isReplaced(planned, codesOf(error), signal))) throw error
      aftermath.forget(request.model)
      return (await work(await this.#plan(request, signal, call))).value
    }
  }

  async #plan(request: PlanRequest, signal: AbortSignal, call: Call): Promise<Planned> {
    const from = performance.now()
    const planned = await this.#parts.planner.plan(request, signal)
    call.planned = planned
    call.planMs = performance.now() - from
    const moved = this.#parts.aftermath.planned(planned, request)
    if (moved !== undefined) note(call, 'placement', moved)
    return planned
  }

  #context(planned: Planned, call: Call, deadline: Deadline): DispatchContext {
    const { engines, emitter, aftermath } = this.#parts
    const { model, task, policy } = planned
    return {
      engines: reachableEngines(engines, policy),
      deadline,
      startedAt: call.startedAt,
      waitsForDevice: policy.prefer === 'cheapest',
      retry: {
        budget: this.#retries,
        onRetry: (placement, delayMs) =>
          note(call, 'retry', `${nameOf(placement)} is asked again in ${Math.round(delayMs)} ms`),
      },
      onReplay: (placement) => note(call, 'replay', `${nameOf(placement)} was lost, and is tried again`),
      onFallback(attempt) {
        note(call, 'fallback', `${nameOf(attempt.placement)} failed: ${attempt.code}`)
        emitter.emit('fallback', { model, task, attempt })
      },
      onTried(tried) {
        call.tried.push(tried)
        aftermath.tried(planned, tried, call.units)
      },
    }
  }

  #tellTrace(call: Call, outcome: Trace['outcome']): void {
    const { emitter, aftermath } = this.#parts
    if (emitter.has('request')) emitter.emit('request', traceOf(call, outcome, aftermath.lastByteAt(call.model)))
  }

  #tellAnswer({ model, task }: Call, { placement, timings, attempts }: Omit<Result<unknown>, 'output'>): void {
    this.#parts.emitter.emit('answer', { model, task, placement, timings, attempts })
  }
}

/** A picture may take long to be there; an abort does not wait for it. */
async function readInput<T extends TaskName>(task: T, input: TaskInput<T>, signal: AbortSignal) {
  const preparing = prepareInput(task, input)
  try {
    return await abortable(preparing, signal)
  } catch (error) {
    preparing.then((unused) => unused.dispose()).catch(() => undefined) // Its failure is `error`, or came after the abort.
    throw error
  }
}

/** What every request says of its model. Whoever answers knows it without a revision in its name. */
export function requestOf({ model, source }: Planned) {
  return { model: splitModelName(model).id, ...foundOf(source) }
}

function taskOptionsOf<T extends TaskName>({
  signal: _signal,
  policy: _policy,
  lane: _lane,
  ...options
}: PipelineOptions<T>) {
  return options as unknown as TaskOptions<T>
}
