/** The wire between page and worker: what can be called, with what, and what comes back. */
import type {
  Backend,
  Benchmark,
  DownloadProgress,
  EngineAnswer,
  GenerationEvent,
  GenerationInput,
  GenerationOptions,
  GenerationResume,
  Lane,
  Manifest,
  MeasurementRecord,
  MissingByVariant,
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

/** @param offline - whether its files may come from the cache only: the worker then knows it as another model */
export function modelKey({ id, revision }: Manifest, offline = false): ModelKey {
  return `${id}@${revision}${offline ? ' (offline)' : ''}`
}

/**
 * Where a model's manifest is looked for: in the cache and, if it is not there, at its source; at its source alone, which
 * has the newest; in the cache alone, without a request.
 */
export type LocateFrom = 'cache-first' | 'source' | 'cache'

export interface LocatePayload {
  /** The mirrors: folders of models, as absolute addresses. */
  readonly modelsUrls: readonly string[]
  /** The model's name, with the revision that it must have, if any. */
  readonly model: string
  readonly from: LocateFrom
}

export interface UpdatePayload extends Pick<LocatePayload, 'modelsUrls' | 'model'> {
  /** The most bytes that it may fetch. */
  readonly maxDownloadBytes: number
}

/** What became of an update. */
export interface UpdateOutcome {
  /** Absent when there was none, or it could not be kept. */
  readonly update?: { readonly from: string; readonly to: string }
  /** What could not be kept, as the event `storage` tells it. */
  readonly storage: readonly { readonly model: string; readonly reason: string }[]
}

export interface PreparePayload {
  readonly model: ModelKey
  readonly backend: Backend
  readonly variant: VariantDtype
  /** WASM threads, the worker's own included. */
  readonly threads: number
  /** `low`: whatever else the page fetches comes first. */
  readonly priority?: 'low'
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
  readonly lane: Lane
}

export interface GeneratePayload {
  readonly model: ModelKey
  readonly backend: Backend
  readonly variant: VariantDtype
  readonly lane: Lane
  readonly input: GenerationInput
  readonly options: GenerationOptions
  readonly resume?: GenerationResume
}

export interface DownloadPayload {
  readonly model: ModelKey
  readonly variant: VariantDtype
}

export interface ConfigurePayload extends StorageOptions {
  readonly huggingFace?: {
    /** Absolute, without a slash at its end. */
    readonly baseUrl: string
    /** Where the token is asked for; see `offerToken`. */
    readonly tokenPort?: MessagePort
  }
}

/** Files of a model that the user gave, by their paths; or the folder that has them; or its one ONNX file. */
export interface AddPayload {
  readonly id: string
  /** Differs from that of any other time that files are given. */
  readonly revision: string
  readonly files: Blob | FileSystemDirectoryHandle | Readonly<Record<string, Blob>>
}

/** What can be asked of the cache: as {@link ModelCache} has it, and `storage`. */
export interface CacheActions extends Omit<ModelCache, 'download' | 'checkForUpdate' | 'add'> {
  storage(): Promise<StorageUse>
}

export interface CachePayload {
  readonly action: keyof CacheActions
  /** The model's name, for those that take one. */
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

/** How the worker is. */
export interface Vitals {
  /** What the runtimes' heaps take, in bytes; WebAssembly memory never shrinks. */
  readonly heapBytes: number
  /** How many runs of graphs it has done. */
  readonly runs: number
  /** How many GPU devices it has lost: what was ready on one is not any more. */
  readonly gpuLosses: number
}

/** What was measured, as the database has it. */
export interface RecalledMeasurements {
  readonly records: readonly MeasurementRecord[]
  /** Of the adapter that it was made with. */
  readonly benchmark?: { readonly adapter: string; readonly value: Benchmark }
}

export interface RememberPayload extends RecalledMeasurements {
  /** The browser's version: `navigator.userAgent`. */
  readonly browser: string
}

/** Every method of the worker. */
export interface WorkerMethods {
  /** Comes before every other method, if at all. */
  configure: { payload: ConfigurePayload; result: undefined }
  /** Takes the files of a model from the user. */
  add: { payload: AddPayload; result: undefined }
  /** Finds a model's manifest. @throws EdgewardError NOT_CACHED when it must come from the cache */
  locate: { payload: LocatePayload; result: ModelSource }
  /** Tells the worker about a model that its methods will name by key. */
  register: { payload: ModelSource; result: undefined }
  /** Starts the runtime that a model is likely to need; says nothing of how that goes. */
  warm: { payload: Pick<PreparePayload, 'backend' | 'threads'>; result: undefined }
  prepare: { payload: PreparePayload; result: ReadableStream<PrepareEvent> }
  /** Has the loads of a model that began at low priority go on like any other: from now on somebody waits for them. */
  hasten: { payload: { readonly model: ModelKey }; result: undefined }
  /** Brings a variant into the cache, without sessions. */
  download: { payload: DownloadPayload; result: ReadableStream<PrepareEvent> }
  /** Brings the newest revision of a cached model into the cache, if there is another. */
  update: { payload: UpdatePayload; result: UpdateOutcome }
  /** What a download of each variant would fetch. */
  missing: { payload: Manifest; result: MissingByVariant }
  cache: { payload: CachePayload; result: CacheAnswer }
  /** Frees the sessions of a model at a place, when no run uses them; its weights stay in the cache. */
  unload: { payload: Pick<PreparePayload, 'model' | 'backend' | 'variant'>; result: undefined }
  /** Says how many requests of the page need the network now: downloads of low priority wait meanwhile. */
  foreground: { payload: { readonly requests: number }; result: undefined }
  /** What was measured before, of this browser version. Empty where there is no database. */
  recall: { payload: { readonly browser: string }; result: RecalledMeasurements }
  /** Keeps what was measured; what is of another browser version is deleted. Does nothing where there is no database. */
  remember: { payload: RememberPayload; result: undefined }
  /** Measures this device's arithmetic; takes 150 ms at most. */
  benchmark: { payload: { readonly webgpu: boolean }; result: Benchmark }
  /** Where the binary of ONNX Runtime is that a backend needs; nothing is fetched. */
  runtimeBinary: { payload: { readonly backend: Backend }; result: string }
  /** The whole request on the device. */
  run: { payload: RunPayload; result: EngineAnswer }
  /** One answer of text; what nobody reads is not generated, and a cancelled stream ends within a token. */
  generate: { payload: GeneratePayload; result: ReadableStream<GenerationEvent> }
  /** A task's pre- and post-processing, with its graphs run through the caller's `infer`. */
  process: { payload: ProcessPayload; result: EngineAnswer }
  /** Answers as soon as the worker is not busy. */
  vitals: { payload: undefined; result: Vitals }
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
