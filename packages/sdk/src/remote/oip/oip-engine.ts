/** The engine that answers requests at an endpoint of Open Inference Protocol v2. */
import type {
  EngineAnswer,
  EngineRequest,
  Manifest,
  Placement,
  Processor,
  TaskContext,
  TaskInput,
  TaskName,
  TaskOptions,
} from '../../contract/index.js'
import { EdgewardError } from '../../errors/index.js'
import { abortable } from '../../shared/index.js'
import type { OnLoad } from '../load-report.js'
import type { OipRemoteOptions } from '../options.js'
import type { RemoteEngine } from '../remote-engine.js'
import { checkAnswer } from './check-answer.js'
import { endpointModelName } from './model-name.js'
import { OipClient } from './oip-client.js'
import { Stopwatch } from './stopwatch.js'

/**
 * Makes the engine of one endpoint. The task `tensors` goes there as it is; other tasks run in `processor`, which calls
 * back for every graph (see {@link endpointModelName} for the graphs' names at the endpoint).
 *
 * @param onLoad - hears of the endpoint's load; without it, or with `loadReports: false`, the endpoint is not asked
 * @throws EdgewardError `INVALID_OPTION` for an address that cannot be used.
 */
export function createOipEngine(options: OipRemoteOptions, processor: Processor, onLoad?: OnLoad): RemoteEngine {
  return new OipEngine(new OipClient(options, onLoad), processor)
}

class OipEngine implements RemoteEngine {
  readonly kind = 'remote'
  readonly placement: Extract<Placement, { engine: 'remote' }>
  readonly #client: OipClient
  readonly #processor: Processor
  readonly #disposal = new AbortController()

  constructor(client: OipClient, processor: Processor) {
    this.#client = client
    this.#processor = processor
    this.placement = { engine: 'remote', endpoint: client.url }
  }

  /** The endpoint keeps its own models ready. */
  prepare(): Promise<void> {
    return Promise.resolve()
  }

  isReady(): Promise<boolean> {
    return this.#client.mayBeReady(this.#disposal.signal)
  }

  async run<T extends TaskName>(
    _placement: Placement,
    request: EngineRequest<T>,
    signal: AbortSignal,
  ): Promise<EngineAnswer<T>> {
    const either = AbortSignal.any([signal, this.#disposal.signal])
    either.throwIfAborted()
    // The compiler does not narrow T by a value of it; the task's name decides which types these are.
    if (isTensors(request)) return (await this.#runTensors(request, either)) as EngineAnswer<T>
    return this.#runTask(request, either)
  }

  dispose(): Promise<void> {
    this.#disposal.abort(new EdgewardError('DISPOSED', 'the client was disposed of while the endpoint was asked'))
    return Promise.resolve()
  }

  async #runTensors(request: EngineRequest<'tensors'>, signal: AbortSignal): Promise<EngineAnswer<'tensors'>> {
    const { model, manifest, input, options } = request
    const stopwatch = new Stopwatch()
    const inferOptions = { ...options, signal, ...deadlineOf(request) }
    const output = await stopwatch.measure(() => this.#client.infer(model, input, inferOptions))
    if (manifest) checkAnswer(manifest, graphOf(manifest, model), output, options.outputs)
    return { output, timings: { inferenceMs: stopwatch.elapsedMs } }
  }

  async #runTask<T extends TaskName>(request: EngineRequest<T>, signal: AbortSignal): Promise<EngineAnswer<T>> {
    const { manifest, model, task } = request
    if (!manifest) {
      const message = `the task ${task} needs the manifest of '${model}', which could not be had; 'tensors' does not`
      throw new EdgewardError('MANIFEST_NOT_FOUND', message, { details: { model, task } })
    }
    const stopwatch = new Stopwatch()
    const infer: TaskContext['infer'] = async (graph, inputs, wanted) => {
      const options = { signal, ...(wanted && { outputs: wanted }), ...deadlineOf(request) }
      const name = endpointModelName(manifest, graph)
      const outputs = await stopwatch.measure(() => this.#client.infer(name, inputs, options))
      checkAnswer(manifest, graph, outputs, wanted)
      return outputs
    }
    const { output, timings } = await abortable(this.#processor.run(request, infer, signal), signal)
    return { output, timings: { ...timings, inferenceMs: stopwatch.elapsedMs } }
  }
}

/** The graph that is this model at the endpoint; empty where that is none of the manifest's, which says nothing of it then. */
function graphOf(manifest: Manifest, model: string): string {
  const graphs = Object.keys(manifest.variants[0].graphs)
  return graphs.find((graph) => endpointModelName(manifest, graph) === model) ?? ''
}

function deadlineOf({ deadlineAt }: EngineRequest): { deadlineAt?: number } {
  return deadlineAt === undefined ? {} : { deadlineAt }
}

function isTensors(request: {
  readonly task: TaskName
  readonly input: TaskInput<TaskName>
  readonly options: TaskOptions<TaskName>
}): request is EngineRequest<'tensors'> {
  return request.task === 'tensors'
}
