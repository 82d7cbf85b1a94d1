/** The client: what `createClient` returns. It owns everything below. */
import type {
  Capabilities,
  EventName,
  Finding,
  Listener,
  ModelCache,
  Placement,
  Plan,
  Result,
  StorageUse,
  TaskInput,
  TaskName,
  TaskOutput,
  TensorMap,
} from '../contract/index.js'
import type { PageLifeListener } from '../device/index.js'
import { EdgewardError, isEdgewardError } from '../errors/index.js'
import type { Engines } from '../router/index.js'
import { assertTaskName, checkInput, unitsOf } from '../tasks/page.js'
import { Aftermath } from './aftermath.js'
import { BackgroundLoads } from './background-loads.js'
import { BackgroundUpdates, type UpdateModel } from './background-updates.js'
import type { Client, Pipeline } from './client-surface.js'
import { counted, GenerationStream, textPipeline } from './generation-stream.js'
import { Hedging } from './hedging.js'
import { IdleBenchmark } from './idle-benchmark.js'
import { Learning } from './learning.js'
import { createModelCache, watchProgress, type CacheParts } from './model-cache.js'
import type { GenerateRequest, PipelineOptions, PrepareOptions, RequestOptions } from './options.js'
import { taskOf } from './plan-facts.js'
import { namedHere } from './named-here.js'
import type { OpenAiSurface } from './openai-surface.js'
import { Planner, type PlannerParts } from './planner.js'
import { Requests } from './requests.js'
import { checkExplainOptions, checkPipelineOptions, checkPrepareOptions } from './check-request-options.js'
import { ShadowRuns } from './shadow-runs.js'
import { yieldingTo } from './yielding-engines.js'

/** What a client is made of; `createClient` puts it together. */
export interface ClientParts extends CacheParts, Omit<PlannerParts, 'backgroundReason'> {
  readonly engines: Engines
  readonly update: UpdateModel
  /** Tells the worker how many requests of this page need the network now. */
  readonly foreground: (requests: number) => void
  /** Says what would make this page faster or safer. */
  readonly diagnose: (capabilities: Capabilities) => Promise<readonly Finding[]>
  /** Tells when the page goes away and comes back; returns its undo. */
  readonly watchPageLife: (listener: PageLifeListener) => () => void
  /** Has the worker looked after, when the page is back. */
  readonly recheck: () => void
  /** Ends the worker, when the page is left. */
  readonly leave: () => void
  /** Frees what no engine owns. */
  readonly release: () => Promise<void>
}

export class EdgewardClient implements Omit<Client, keyof OpenAiSurface> {
  readonly models: ModelCache
  readonly #parts: ClientParts
  readonly #disposing = new AbortController()
  readonly #planner: Planner
  readonly #requests: Requests
  readonly #benchmark: IdleBenchmark
  readonly #learning: Learning
  readonly #stopWatching: () => void
  #pending = 0
  #disposed: Promise<void> | undefined

  constructor(given: ClientParts) {
    const signal = this.#disposing.signal
    const { options, emitter, knowledge, foreground, update } = given
    const loads = new BackgroundLoads({
      prepare: async (placement, source, loading, priority) =>
        given.engines.device?.prepare(placement, source, loading, priority),
      foreground,
      onFailed: (...failure) => this.#learning.failedBeside(...failure),
      signal,
    })
    const parts = { ...given, engines: yieldingTo(loads, given.engines) }
    this.#parts = parts
    this.#planner = new Planner({ ...parts, backgroundReason: (model) => loads.reasonOf(model) })
    const updates = new BackgroundUpdates(
      options.updates,
      (...asked) => loads.whileLoading(() => update(...asked)),
      emitter,
    )
    const shadows = new ShadowRuns({ shadowShare: options.shadowShare, signal })
    this.#benchmark = new IdleBenchmark(knowledge, () => this.#pending > 0)
    this.#learning = new Learning(knowledge, emitter)
    const aftermath = new Aftermath({
      ...{ emitter, engines: parts.engines, knowledge, loads, updates, shadows, benchmark: this.#benchmark },
      learning: this.#learning,
      disposing: signal,
    })
    const { readiness } = given
    const hedging = new Hedging({ share: options.hedgeShare, aftermath, knowledge, emitter, readiness })
    this.#requests = new Requests({ engines: parts.engines, emitter, planner: this.#planner, aftermath, hedging })
    this.#stopWatching = given.watchPageLife({ onReturn: () => this.#recheck(), onLeave: given.leave })
    this.models = createModelCache(parts, {
      planner: this.#planner,
      isUsed: (model) => aftermath.isUsed(model),
      signalOf: (requestOptions) => this.#signalOf(requestOptions),
    })
  }

  pipeline<T extends TaskName>(task: T, model: string): Pipeline<T> {
    assertTaskName(task)
    // The task is known here, which the compiler cannot see.
    if (task === 'text-generation')
      return textPipeline((request) => this.generate(model, request)) as unknown as Pipeline<T>
    return (input, options) => this.#answer(task, model, input, options ?? {})
  }

  run(model: string, inputs: TensorMap, options: PipelineOptions<'tensors'> = {}): Promise<Result<TensorMap>> {
    return this.#answer('tensors', model, inputs, options)
  }

  generate(model: string, request: GenerateRequest): GenerationStream {
    return new GenerationStream(async (leaving) => {
      // What disposes of the client ends this too; its code comes once.
      this.#signalOf({})
      const { generate } = await import('./generation/index.js')
      const signalOf = (options: RequestOptions) => this.#signalOf(options)
      const parts = generate(this.#requests.streaming, namedHere(model), request, signalOf, leaving)
      return counted(parts, (change) => (this.#pending += change))
    })
  }

  async prepare(name: string, options: PrepareOptions = {}): Promise<Placement> {
    checkPrepareOptions(options)
    const model = namedHere(name)
    const signal = this.#signalOf(options)
    const stop = watchProgress(this.#parts.emitter, model, options.onProgress)
    try {
      return await this.#counted(() => this.#requests.prepare(model, options, signal))
    } finally {
      stop()
    }
  }

  async explain(model: string, input?: TaskInput<TaskName>, options: RequestOptions = {}): Promise<Plan> {
    checkExplainOptions(options)
    this.#learning.settle()
    const signal = this.#signalOf(options)
    const { policy, lane = 'default' } = options
    const request = { model: namedHere(model), policy, lane, isExplained: true }
    const planned = await this.#planner.plan(request, signal)
    if (input === undefined || isEdgewardError(planned.source)) return planned.planned
    const task = taskOf(planned.source)
    checkInput(task, input)
    const units = unitsOf(task, input)
    return (await this.#planner.plan({ ...request, units }, signal)).planned
  }

  async doctor(): Promise<readonly Finding[]> {
    this.#signalOf({})
    return this.#parts.diagnose(await this.capabilities())
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
    checkPipelineOptions(task, options)
    const signal = this.#signalOf(options)
    return this.#counted(() => this.#requests.answer(task, model, input, options, signal))
  }

  /** Work that the caller waits for. */
  async #counted<V>(work: () => Promise<V>): Promise<V> {
    this.#pending += 1
    try {
      return await work()
    } finally {
      this.#pending -= 1
    }
  }

  /** @throws EdgewardError DISPOSED */
  #signalOf({ signal }: RequestOptions): AbortSignal {
    const disposing = this.#disposing.signal
    disposing.throwIfAborted()
    signal?.throwIfAborted()
    return signal === undefined ? disposing : AbortSignal.any([signal, disposing])
  }

  /** While nobody looked, the network may have changed, the GPU been lost, and the worker died. */
  #recheck(): void {
    const { knowledge, recheck } = this.#parts
    recheck()
    this.#planner.recheck()
    knowledge.breakers.forgive('REMOTE_UNREACHABLE')
  }

  async #dispose(): Promise<void> {
    const { engines, emitter, knowledge, release } = this.#parts
    this.#disposing.abort(new EdgewardError('DISPOSED', 'The client was disposed.'))
    this.#stopWatching()
    this.#benchmark.dispose()
    this.#learning.settle()
    await knowledge.dispose()
    const all = [...(engines.device ? [engines.device] : []), ...engines.remotes.values()]
    await Promise.all(all.map((engine) => engine.dispose()))
    await release()
    emitter.clear()
  }
}
