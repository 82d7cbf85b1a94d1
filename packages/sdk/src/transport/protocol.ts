/** The wire between page and worker: what can be called, with what, and what comes back. */
import type {
  Backend,
  DownloadProgress,
  EngineAnswer,
  Manifest,
  ModelCache,
  ModelSource,
  StorageOptions,
  StorageUse,
  TaskContext,
  TaskName,
  VariantDtype,
} from '../contract/index.js'
import type { EncodedError } from './error-codec.js'

/** A model that the worker was told about, by id and revision. */
export type ModelKey = string

export function modelKey(manifest: Manifest): ModelKey {
  return `${manifest.id}@${manifest.revision}`
}

export interface LocatePayload {
  /** The folder of models, as an absolute address. */
  readonly modelsUrl: string
  readonly model: string
}

export interface PreparePayload {
  readonly model: ModelKey
  readonly backend: Backend
  readonly variant: VariantDtype
  /** WASM threads, the worker's own included. */
  readonly threads: number
}

export interface ProcessPayload {
  readonly model: ModelKey
  readonly task: TaskName
  readonly input: unknown
  readonly options: unknown
}

export interface RunPayload extends ProcessPayload {
  readonly backend: Backend
  readonly variant: VariantDtype
}

export interface DownloadPayload {
  readonly model: ModelKey
  readonly variant: VariantDtype
}

/** What can be asked of the cache: as {@link ModelCache} has it, and `storage`. */
export interface CacheActions extends Omit<ModelCache, 'download'> {
  storage(): Promise<StorageUse>
}

export interface CachePayload {
  readonly action: keyof CacheActions
  /** The model's id, for those that take one. */
  readonly model: string
}

export type CacheAnswer = Awaited<ReturnType<CacheActions[keyof CacheActions]>>

/** How a model is coming along. The stream's end means: what could be stored is stored. */
export type PrepareEvent =
  | ({ readonly type: 'progress' } & Omit<DownloadProgress, 'model'>)
  /** The model can be used now; it may still be on its way into the cache. */
  | { readonly type: 'ready' }
  /** Weights cannot be kept; with `model`, those of another one that had to go. */
  | { readonly type: 'not-stored'; readonly reason: string; readonly model?: string }
  /** The model was not in the cache, and now is. */
  | { readonly type: 'published' }

/** What the worker still owns; all zero after a shutdown that went well. */
export interface LiveResources {
  readonly sessions: number
  readonly gpuDevices: number
  readonly databases: number
}

/** Every method of the worker. */
export interface WorkerMethods {
  /** Comes before every other method, if at all. */
  configure: { payload: StorageOptions; result: undefined }
  /** Fetches and checks a model's manifest. */
  locate: { payload: LocatePayload; result: ModelSource }
  /** Tells the worker about a model that its methods will name by key. */
  register: { payload: ModelSource; result: undefined }
  prepare: { payload: PreparePayload; result: ReadableStream<PrepareEvent> }
  /** Brings a variant into the cache, without sessions. */
  download: { payload: DownloadPayload; result: ReadableStream<PrepareEvent> }
  cache: { payload: CachePayload; result: CacheAnswer }
  /** The whole request on the device. */
  run: { payload: RunPayload; result: EngineAnswer }
  /** A task's pre- and post-processing, with its graphs run through the caller's `infer`. */
  process: { payload: ProcessPayload; result: EngineAnswer }
  shutdown: { payload: undefined; result: LiveResources }
}

export type WorkerMethod = keyof WorkerMethods
export type Payload<M extends WorkerMethod> = WorkerMethods[M]['payload']
export type MethodResult<M extends WorkerMethod> = WorkerMethods[M]['result']
export type Infer = TaskContext['infer']

/** How a call ended, as plain data. A stream travels as the port it is read through. */
export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: true; readonly stream: MessagePort }
  | { readonly ok: false; readonly error: EncodedError }

/** `infer` as the worker calls it: the page's error comes back as data. */
export type WireInfer = (...parameters: Parameters<Infer>) => Promise<Outcome>

/** What Comlink exposes. `id` names the call, so that `cancel` can end it. */
export interface WireWorker {
  /** Answers as soon as the worker runs, with whether it holds the lock called `lockName`; if so, for as long as it lives. */
  hello(lockName: string): Promise<boolean>
  call(id: number, method: WorkerMethod, payload: unknown, infer?: WireInfer): Promise<Outcome>
  cancel(id: number, reason: EncodedError): void
}
