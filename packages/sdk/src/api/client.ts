/** The client: what `createClient` returns. It turns a call into a planned request and owns everything below. */
import type {
  Attempt,
  Capabilities,
  EdgewardEvents,
  EventName,
  Listener,
  ModelCache,
  Placement,
  Plan,
  Result,
  StorageUse,
  TaskInput,
  TaskName,
  TaskOptions,
  TaskOutput,
  TensorMap,
} from '../contract/index.js'
import { EdgewardError, isEdgewardError, type ErrorCode } from '../errors/index.js'
import { dispatch, prepareFirst, type Engines } from '../router/index.js'
import { abortable, splitModelName } from '../shared/index.js'
import { assertTaskName, prepareInput } from '../tasks/page.js'
import { BackgroundUpdates, type UpdateModel } from './background-updates.js'
import type { Client, Pipeline } from './client-surface.js'
import { createModelCache, watchProgress, type CacheParts } from './model-cache.js'
import type { PipelineOptions, PrepareOptions, RequestOptions } from './options.js'
import { foundOf, Planner, type Planned, type PlannerParts, type PlanRequest } from './planner.js'
import { checkExplainOptions, checkPipelineOptions, checkPrepareOptions } from './resolve-options.js'

/** What a client is made of; `createClient` puts it together. */
export interface ClientParts extends CacheParts, PlannerParts {
  readonly engines: Engines
  readonly update: UpdateModel
  /** Frees what no engine owns. */
  readonly release: () => Promise<void>
}

/** What working by a plan came to. */
interface Worked<V> {
  readonly placement: Placement
  readonly value: V
  /** What ended the attempts before. */
  readonly codes?: readonly ErrorCode[]
}

export class EdgewardClient implements Client {
  readonly models: ModelCache
  readonly #parts: ClientParts
  readonly #disposing = new AbortController()
  readonly #planner: Planner
  readonly #updates: BackgroundUpdates
  /** The models that this client has answered with on the device: they keep their revision. */
  readonly #used = new Set<string>()
  #disposed: Promise<void> | undefined

  constructor(parts: ClientParts) {
    this.#parts = parts
    this.#planner = new Planner(parts)
    this.#updates = new BackgroundUpdates(parts.options.updates, parts.update, parts.emitter)
    this.models = createModelCache(parts, {
      planner: this.#planner,
      isUsed: (model) => this.#used.has(model),
      signalOf: (options) => this.#signalOf(options),
    })
  }

  pipeline<T extends TaskName>(task: T, model: string): Pipeline<T> {
    assertTaskName(task)
    return (input, options) => this.#answer(task, model, input, options ?? {})
  }

  run(model: string, inputs: TensorMap, options: PipelineOptions<'tensors'> = {}): Promise<Result<TensorMap>> {
    return this.#answer('tensors', model, inputs, options)
  }

  async prepare(model: string, options: PrepareOptions = {}): Promise<Placement> {
    checkPrepareOptions(options)
    const startedAt = performance.now()
    const signal = this.#signalOf(options)
    const stop = watchProgress(this.#parts.emitter, model, options.onProgress)
    try {
      return await this.#withPlan({ model, policy: options.policy, load: 'sessions' }, signal, async (planned) => {
        const source = isEdgewardError(planned.source) ? undefined : planned.source
        const placement = await prepareFirst(planned.planned, source, this.#context(planned, signal, startedAt))
        return { placement, value: placement }
      })
    } finally {
      stop()
    }
  }

  async explain(model: string, options: RequestOptions = {}): Promise<Plan> {
    checkExplainOptions(options)
    const signal = this.#signalOf(options)
    const { planned } = await this.#planner.plan({ model, policy: options.policy, isExplained: true }, signal)
    return planned
  }

  storage(): Promise<StorageUse> {
    return this.#parts.cache('storage')
  }

  capabilities(): Promise<Capabilities> {
    return this.#planner.capabilities()
  }

  on<E extends EventName>(name: E, listener: Listener<E>): () => void {
    return this.#parts.emitter.on(name, listener)
  }

  dispose(): Promise<void> {
    this.#disposed ??= this.#dispose()
    return this.#disposed
  }

  async #answer<T extends TaskName>(
    task: T,
    model: string,
    input: TaskInput<T>,
    options: PipelineOptions<T>,
  ): Promise<Result<TaskOutput<T>>> {
    const startedAt = performance.now()
    checkPipelineOptions(task, options)
    const signal = this.#signalOf(options)
    const prepared = await this.#prepareInput(task, input, signal)
    try {
      return await this.#withPlan(
        { model, task, policy: options.policy, load: 'sessions' },
        signal,
        async (planned) => {
          const request = { ...requestOf(planned), task, input: prepared.input, options: taskOptionsOf(options) }
          const result = await dispatch(planned.planned, request, this.#context(planned, signal, startedAt))
          const { placement, timings, attempts } = result
          this.#parts.emitter.emit('answer', { model, task, placement, timings, attempts })
          return { placement, value: result, codes: attempts.map(({ code }) => code) }
        },
      )
    } finally {
      prepared.dispose()
    }
  }

  /** A picture may take long to be there; an abort does not wait for it. */
  async #prepareInput<T extends TaskName>(task: T, input: TaskInput<T>, signal: AbortSignal) {
    const preparing = prepareInput(task, input)
    try {
      return await abortable(preparing, signal)
    } catch (error) {
      preparing.then((unused) => unused.dispose()).catch(() => undefined) // Its failure is `error`, or came after the abort.
      throw error
    }
  }

  /** Works by a plan; by another one when the revision that it was made for has left the cache meanwhile. */
  async #withPlan<V>(
    request: PlanRequest,
    signal: AbortSignal,
    work: (planned: Planned) => Promise<Worked<V>>,
  ): Promise<V> {
    const planned = await this.#planner.plan(request, signal)
    try {
      const { placement, value, codes = [] } = await work(planned)
      if (this.#planner.reconsider(planned, codes)) this.#used.delete(request.model)
      else if (placement.engine === 'device') {
        this.#used.add(request.model)
        this.#updates.consider(planned, this.#disposing.signal)
      }
      return value
    } catch (error) {
      if (signal.aborted || !(await this.#planner.isReplaced(planned, codesOf(error), signal))) throw error
      this.#used.delete(request.model)
      return (await work(await this.#planner.plan(request, signal))).value
    }
  }

  #context({ model, task, policy }: Planned, signal: AbortSignal, startedAt: number) {
    const { engines, emitter } = this.#parts
    const { device } = engines
    // By construction, not by a check further down: such a request never meets an engine that has a network.
    const staysHere = policy.residency === 'local-only' || policy.offline
    const reachable: Engines = staysHere ? { ...(device && { device }), remotes: new Map() } : engines
    return {
      engines: reachable,
      signal,
      startedAt,
      onFallback: (attempt: EdgewardEvents['fallback']['attempt']) =>
        emitter.emit('fallback', { model, task, attempt }),
    }
  }

  /** @throws EdgewardError DISPOSED */
  #signalOf({ signal }: RequestOptions): AbortSignal {
    const disposing = this.#disposing.signal
    disposing.throwIfAborted()
    signal?.throwIfAborted()
    return signal === undefined ? disposing : AbortSignal.any([signal, disposing])
  }

  async #dispose(): Promise<void> {
    const { engines, emitter, release } = this.#parts
    this.#disposing.abort(new EdgewardError('DISPOSED', 'The client was disposed.'))
    await Promise.all([engines.device, ...engines.remotes.values()].map((engine) => engine?.dispose()))
    await release()
    emitter.clear()
  }
}

/** What every request says of its model. Whoever answers knows it without a revision in its name. */
function requestOf({ model, task, source }: Planned) {
  return { model: splitModelName(model).id, task, ...foundOf(source) }
}

/** The codes that a request ended with. */
function codesOf(error: unknown): readonly ErrorCode[] {
  if (!isEdgewardError(error)) return []
  const { attempts = [] } = error.details as { attempts?: readonly Attempt[] }
  return [error.code, ...attempts.map(({ code }) => code)]
}

function taskOptionsOf<T extends TaskName>({ signal: _signal, policy: _policy, ...options }: PipelineOptions<T>) {
  return options as unknown as TaskOptions<T>
}
