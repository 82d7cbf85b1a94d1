/** One ONNX Runtime session: made from a graph and its weights, fed and read with Edgeward's tensors, and believed no more than it should be. */
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-web'
import type { Backend, Graph, Tensor, TensorMap } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { neverAborted } from '../shared/index.js'
import { runCanary } from './canary.js'
import { checkOutputs } from './check-outputs.js'
import type { OwnGpu } from './gpu-owner.js'
import type { SessionInput } from './graph-files.js'
import type { Turn } from './lane-queue.js'
import type { Runtime } from './runtime-build.js'
import { findSuspicion, isMaybeLost, type Suspicion } from './suspicion.js'
import { fromThrown } from './thrown.js'

export interface GraphSession {
  /**
   * Runs the graph when it is its turn. Outputs are copies that the caller owns.
   *
   * @throws EdgewardError RUN_FAILED, OUT_OF_MEMORY, GPU_LOST, OUTPUT_INVALID, CANARY_FAILED, WORKER_DIED
   */
  run(inputs: TensorMap, outputs: readonly string[], turn: Turn): Promise<TensorMap>
  /** Works with the session itself when it is its turn: for state that stays where the backend is from one run to the next. */
  borrow<T>(turn: Turn, work: (borrowed: BorrowedSession) => Promise<T>): Promise<T>
  /** Runs the graph's canary, if there is one. @throws EdgewardError CANARY_FAILED, and what `run` throws */
  runCanary(turn: Turn): Promise<void>
  release(): Promise<void>
}

/** A session in its borrower's hands, until the turn ends. */
export interface BorrowedSession {
  readonly session: InferenceSession
  readonly runtime: Runtime
  /** Of the `webgpu` backend. */
  readonly device: GPUDevice | undefined
  /** Does a run; its device was there before and after it. @throws EdgewardError as {@link GraphSession.run} */
  execute<T>(run: () => Promise<T>): Promise<T>
  /** Looks at what a run gave. @throws EdgewardError when it is not to be believed: OUTPUT_INVALID, CANARY_FAILED, GPU_LOST */
  check(outputs: TensorMap): Promise<void>
}

export interface SessionOptions {
  readonly runtime: Runtime
  readonly graph: Graph
  readonly backend: Backend
  /** The device of the `webgpu` backend. */
  readonly gpu?: OwnGpu | undefined
  /** Of the creation. */
  readonly turn: Turn
  /** Whether outputs must have the shapes that the graph states; see {@link checkOutputs}. */
  readonly areShapesBinding?: boolean
  /** Outputs that stay on the GPU, of the `webgpu` backend. */
  readonly keptOnGpu?: readonly string[]
  /** Called before each run. */
  onRun?(): void
}

/**
 * Creates a session as it is told to. The input is used up by it.
 *
 * @throws EdgewardError SESSION_FAILED, OUT_OF_MEMORY, GPU_LOST, WORKER_DIED
 */
export async function createGraphSession(input: SessionInput, options: SessionOptions): Promise<GraphSession> {
  const { runtime, graph, backend, gpu, turn, keptOnGpu = [] } = options
  const create = async () => {
    gpu?.check()
    const session = await runtime.ort.InferenceSession.create(input.model, {
      executionProviders: [executionProvider(backend, gpu)],
      graphOptimizationLevel: 'all',
      externalData: input.externalData,
      ...(backend === 'webgpu' && {
        preferredOutputLocation: Object.fromEntries(keptOnGpu.map((name) => [name, 'gpu-buffer'])),
      }),
    }).catch(async (error: unknown) => {
      throw await explain(
        error,
        'SESSION_FAILED',
        `No session could be made of ${graph.file.path} on ${backend}`,
        options,
      )
    })
    if (gpu?.isLost) await session.release().catch(() => undefined) // Nothing of it is left anyway.
    gpu?.check()
    return session
  }
  const session = await runtime.queue.run(turn, () => runtime.trust.during(create))
  return new OrtSession(session, options)
}

class OrtSession implements GraphSession {
  readonly #session: InferenceSession
  readonly #options: SessionOptions
  /** That it computed the canary wrongly: then it computes nothing any more. */
  #wrong: EdgewardError | undefined

  constructor(session: InferenceSession, options: SessionOptions) {
    this.#session = session
    this.#options = options
  }

  run(inputs: TensorMap, outputs: readonly string[], turn: Turn): Promise<TensorMap> {
    return this.#inTurn(turn, async () => {
      const { graph, areShapesBinding = false } = this.#options
      const execute = async () => {
        const answer = await this.#execute(inputs, outputs)
        checkOutputs(graph, inputs, answer, outputs, areShapesBinding)
        return answer
      }
      const answer = await execute()
      const suspicion = findSuspicion(inputs, answer)
      await this.#check(suspicion, answer)
      // A driver that computes rightly now may have failed then; a model that means NaN gives it again.
      return suspicion?.what === 'NaN' && graph.canary ? execute() : answer
    })
  }

  borrow<T>(turn: Turn, work: (borrowed: BorrowedSession) => Promise<T>): Promise<T> {
    const { runtime, gpu } = this.#options
    return this.#inTurn(turn, () =>
      work({
        session: this.#session,
        runtime,
        device: gpu?.device,
        execute: (run) => this.#guard(run),
        check: (outputs) => this.#check(findSuspicion({}, outputs), outputs),
      }),
    )
  }

  async runCanary(turn: Turn): Promise<void> {
    if (this.#options.graph.canary) await this.#inTurn(turn, () => this.#tryCanary())
  }

  release(): Promise<void> {
    const { runtime, turn } = this.#options
    // What is released makes room: it does not wait for the background.
    return runtime.queue.run({ ...turn, lane: 'default', signal: neverAborted() }, () => this.#session.release())
  }

  #inTurn<T>(turn: Turn, work: () => Promise<T>): Promise<T> {
    const { queue, trust } = this.#options.runtime
    return queue.run(turn, () => trust.during(work))
  }

  async #check(suspicion: Suspicion | undefined, outputs: TensorMap): Promise<void> {
    const { gpu } = this.#options
    if (suspicion) await this.#judge(suspicion)
    else if (gpu && isMaybeLost(outputs)) await gpu.checkClosely()
  }

  /** A driver that has begun to compute wrongly, or a model that means it: the canary tells. */
  async #judge({ output, what, isWhole }: Suspicion): Promise<void> {
    const { gpu, graph } = this.#options
    await gpu?.checkClosely()
    if (graph.canary) return this.#tryCanary()
    if (what === 'zeros' || !isWhole) return
    const message = `The output "${output}" of ${this.#where} is NaN everywhere, and no canary says that it may be.`
    throw new EdgewardError('OUTPUT_INVALID', message, { details: { output, found: 'NaN' } })
  }

  async #tryCanary(): Promise<void> {
    const { gpu, graph } = this.#options
    const { canary } = graph
    if (!canary) return
    try {
      await runCanary((inputs, outputs) => this.#execute(inputs, outputs), canary, this.#where)
    } catch (error) {
      if (!(error instanceof EdgewardError && error.code === 'CANARY_FAILED')) throw error
      // A verdict is for good, and a lost device is no reason for one.
      await gpu?.checkClosely()
      this.#wrong = error
      throw error
    }
  }

  #execute(inputs: TensorMap, wanted: readonly string[]): Promise<TensorMap> {
    return this.#guard(() => runSession(this.#session, this.#options.runtime, inputs, wanted))
  }

  /** A run whose device was there before and after it. */
  async #guard<T>(run: () => Promise<T>): Promise<T> {
    if (this.#wrong) throw this.#wrong
    const { gpu, onRun } = this.#options
    gpu?.check()
    onRun?.()
    const answer = await run().catch(async (error: unknown) => {
      throw await explain(error, 'RUN_FAILED', `The run of ${this.#where} failed`, this.#options)
    })
    gpu?.check()
    return answer
  }

  get #where(): string {
    const { graph, backend, turn } = this.#options
    return `${turn.model} (${graph.file.path} on ${backend})`
  }
}

async function explain(
  thrown: unknown,
  code: 'SESSION_FAILED' | 'RUN_FAILED',
  context: string,
  { gpu, runtime }: SessionOptions,
): Promise<EdgewardError> {
  const error = fromThrown(thrown, code, context, (address) => runtime.memory.typeOfException(address))
  if (!(await gpu?.isFoundLost())) return error
  return new EdgewardError('GPU_LOST', error.message, { details: error.details, cause: thrown })
}

function executionProvider(backend: Backend, gpu: OwnGpu | undefined): InferenceSession.ExecutionProviderConfig {
  if (backend === 'wasm') return 'wasm'
  // The device is ours, so that its loss is ours to see.
  return gpu === undefined ? 'webgpu' : { name: 'webgpu', device: gpu.device }
}

async function runSession(
  session: InferenceSession,
  { ort }: Runtime,
  inputs: TensorMap,
  outputs: readonly string[],
): Promise<TensorMap> {
  const feeds: Record<string, OrtTensor> = {}
  for (const [name, { dtype, data, shape }] of Object.entries(inputs)) {
    // Edgeward's dtypes are ONNX Runtime's, but its constructor is overloaded by dtype.
    feeds[name] = new ort.Tensor(dtype as 'float32', data as Float32Array, shape)
  }
  const results = await session.run(feeds, [...outputs])
  const read: Record<string, Tensor> = {}
  for (const name of outputs) {
    const result = results[name]
    if (result !== undefined) read[name] = fromOrt(result)
    result?.dispose()
  }
  return read
}

/** A copy is not made: the data are the tensor's. */
export function fromOrt({ type, dims, data }: OrtTensor): Tensor {
  const plain: unknown =
    // Where the browser has Float16Array, ONNX Runtime answers with it; Edgeward's float16 is its bits.
    type === 'float16' && ArrayBuffer.isView(data) && !(data instanceof Uint16Array)
      ? new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2)
      : data
  return { dtype: type, shape: dims, data: plain } as Tensor
}
