/** What a client offers. */
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
import type { GenerationStream } from './generation-stream.js'
import type { OpenAiSurface } from './openai-surface.js'
import type { GenerateRequest, PipelineOptions, PrepareOptions, RequestOptions } from './options.js'

/**
 * Answers requests of one task with one model, wherever the plan says.
 *
 * @throws EdgewardError with a code of `docs/errors.md`; `signal.reason` when the caller aborts
 */
export type Pipeline<T extends TaskName> = (
  input: TaskInput<T>,
  options?: PipelineOptions<T>,
) => Promise<Result<TaskOutput<T>>>

/** Runs models on this device or at an endpoint, and owns what that takes until it is disposed. */
export interface Client extends OpenAiSurface {
  /** A function that answers requests of `task` with `model`. Nothing is loaded before the first request. */
  pipeline<T extends TaskName>(task: T, model: string): Pipeline<T>
  /** Runs a model's graph on named tensors: the task `tensors`. */
  run(model: string, inputs: TensorMap, options?: PipelineOptions<'tensors'>): Promise<Result<TensorMap>>
  /**
   * Writes a text, part by part, while it is read: on the device, at the endpoint, or begun at one and ended at the other.
   *
   * @param model - a model's id, `hf:organisation/repository`, or the address of a GGUF file
   */
  generate(model: string, request: GenerateRequest): GenerationStream
  /**
   * Makes a model ready ahead of its first request. Resolves with where it will run: the endpoint, which needs no
   * preparation, when the device cannot.
   */
  prepare(model: string, options?: PrepareOptions): Promise<Placement>
  /**
   * The plan for a request: every placement with its estimate and the reason it stands there, and those ruled out.
   *
   * @param input - of the model's own task; without one, an ordinary request is taken
   */
  explain(model: string, input?: TaskInput<TaskName>, options?: RequestOptions): Promise<Plan>
  /** What would make this page faster or safer, each with the header or line to add. Asks for a few headers. */
  doctor(): Promise<readonly Finding[]>
  /** The cache of weights: what is in it, and what should be. */
  readonly models: ModelCache
  /** What this site stores, and may store. */
  storage(): Promise<StorageUse>
  /** What this device and page can do; probed once. */
  capabilities(): Promise<Capabilities>
  /** Listens to an event until the returned function is called. */
  on<E extends EventName>(name: E, listener: Listener<E>): () => void
  /** Frees everything: sessions, worker, database, GPU. What is pending rejects with `DISPOSED`. May be called twice. */
  dispose(): Promise<void>
}
