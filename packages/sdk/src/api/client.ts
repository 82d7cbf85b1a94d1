/** The client: what `createClient` returns. It turns a call into a planned request and owns everything below. */
import type {
  Capabilities,
  DownloadOptions,
  EdgewardEvents,
  EngineRequest,
  EventName,
  Listener,
  ModelCache,
  ModelSource,
  ModelStatus,
  Placement,
  Plan,
  ResolvedPolicy,
  Result,
  StorageUse,
  TaskInput,
  TaskName,
  TaskOptions,
  TaskOutput,
  TensorMap,
} from '../contract/index.js'
import { EdgewardError, isEdgewardError } from '../errors/index.js'
import { dispatch, plan, prepareFirst, type Engines } from '../router/index.js'
import { abortable, splitModelName } from '../shared/index.js'
import { assertTaskName, prepareInput } from '../tasks/page.js'
import type { Emitter } from '../telemetry/index.js'
import type { Client, Pipeline } from './client-surface.js'
import { createModelCache, type CacheParts } from './model-cache.js'
import type { ModelDirectory } from './model-directory.js'
import type { PipelineOptions, PrepareOptions, RequestOptions } from './options.js'
import {
  checkDownloadOptions,
  checkExplainOptions,
  checkPipelineOptions,
  checkPrepareOptions,
  resolvePolicy,
  type ResolvedClientOptions,
} from './resolve-options.js'

/** What a client is made of; `createClient` puts it together. */
export interface ClientParts extends CacheParts {
  readonly options: ResolvedClientOptions
  readonly engines: Engines
  readonly endpoint: string | undefined
  readonly models: ModelDirectory
  readonly emitter: Emitter<EdgewardEvents>
  readonly probe: () => Promise<Capabilities>
  /** Frees what no engine owns. */
  readonly release: () => Promise<void>
}

export class EdgewardClient implements Client {
  readonly models: ModelCache
  readonly #parts: ClientParts
  readonly #disposing = new AbortController()
  #capabilities: Promise<Capabilities> | undefined
  #disposed: Promise<void> | undefined

  constructor(parts: ClientParts) {
    this.#parts = parts
    this.models = createModelCache(parts.cache, (model, options) => this.#download(model, options ?? {}))
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
    const stop = this.#watch(model, options.onProgress)
    try {
      const startedAt = performance.now()
      const signal = this.#signalOf(options)
      const { policy, source, planned } = await this.#plan(model, undefined, options, signal, this.#tellLocating)
      const task = taskOf(source)
      const request: EngineRequest = { model, task, input: '', options: {}, ...foundOf(source) }
      return await prepareFirst(planned, request, this.#context(model, task, policy, signal, startedAt))
    } finally {
      stop()
    }
  }

  async explain(model: string, options: RequestOptions = {}): Promise<Plan> {
    checkExplainOptions(options)
    const { planned } = await this.#plan(model, undefined, options, this.#signalOf(options))
    return planned
  }

  storage(): Promise<StorageUse> {
    return this.#parts.cache('storage')
  }

  capabilities(): Promise<Capabilities> {
    this.#capabilities ??= this.#parts.probe()
    return this.#capabilities
  }

  on<E extends EventName>(name: E, listener: Listener<E>): () => void {
    return this.#parts.emitter.on(name, listener)
  }

  dispose(): Promise<void> {
    this.#disposed ??= this.#dispose()
    return this.#disposed
  }

  async #download(model: string, options: DownloadOptions): Promise<ModelStatus> {
    checkDownloadOptions(options)
    const signal = this.#signalOf(options)
    const stop = this.#watch(model, options.onProgress)
    try {
      const { source, planned } = await this.#plan(model, undefined, {}, signal, this.#tellLocating)
      if (isEdgewardError(source)) throw source
      const placement = planned.placements.map((step) => step.placement).find(({ engine }) => engine === 'device')
      const variant = placement && 'variant' in placement ? placement.variant : source.manifest.variants[0].dtype
      await this.#parts.download(source, variant, signal)
    } finally {
      stop()
    }
    return this.models.status(model)
  }

  #watch(model: string, onProgress: DownloadOptions['onProgress']): () => void {
    const { id } = splitModelName(model)
    return this.on('download', (progress) => {
      if (progress.model === id) onProgress?.(progress)
    })
  }

  /** A load begins with the manifest; where no device is used, nothing is loaded. */
  readonly #tellLocating = (model: string) => {
    const { engines, emitter } = this.#parts
    const nothingYet = { phase: 'manifest', loadedBytes: 0, totalBytes: 0, cachedBytes: 0 } as const
    if (engines.device) emitter.emit('download', { model: splitModelName(model).id, ...nothingYet })
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
      const { policy, source, planned } = await this.#plan(model, task, options, signal, this.#tellLocating)
      const request = { model, task, input: prepared.input, options: taskOptionsOf(options), ...foundOf(source) }
      const result = await dispatch(planned, request, this.#context(model, task, policy, signal, startedAt))
      const { placement, timings, attempts } = result
      this.#parts.emitter.emit('answer', { model, task, placement, timings, attempts })
      return result
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

  async #plan(
    model: string,
    task: TaskName | undefined,
    { policy: wanted }: RequestOptions,
    signal: AbortSignal,
    onLocate?: (model: string) => void,
  ) {
    const { options, models, endpoint } = this.#parts
    const policy = resolvePolicy(wanted, options.policy)
    const [source, capabilities] = await Promise.all([
      models.find(model, signal, () => onLocate?.(model)),
      abortable(this.capabilities(), signal),
    ])
    const planned = plan({
      model,
      task: task ?? taskOf(source),
      manifest: isEdgewardError(source) ? source : source.manifest,
      capabilities,
      policy,
      device: { enabled: options.device, backends: options.backends },
      endpoint,
    })
    return { policy, source, planned }
  }

  #context(model: string, task: TaskName, { residency }: ResolvedPolicy, signal: AbortSignal, startedAt: number) {
    const { engines, emitter } = this.#parts
    const { device } = engines
    // By construction, not by a check further down: a local-only request never meets an engine that has a network.
    const reachable: Engines = residency === 'local-only' ? (device ? { device } : {}) : engines
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
    await Promise.all([engines.device?.dispose(), engines.remote?.dispose()])
    await release()
    emitter.clear()
  }
}

/** The task that a model is packed for; without a manifest only bare tensors can be asked of it. */
function taskOf(source: ModelSource | EdgewardError): TaskName {
  return isEdgewardError(source) ? 'tensors' : source.manifest.task
}

function foundOf(source: ModelSource | EdgewardError): Partial<ModelSource> {
  return isEdgewardError(source) ? {} : source
}

function taskOptionsOf<T extends TaskName>({ signal: _signal, policy: _policy, ...options }: PipelineOptions<T>) {
  return options as unknown as TaskOptions<T>
}
