/** What callers may say: to the client, and with each request. */
import type {
  Backend,
  DownloadProgress,
  GenerationInput,
  GenerationOptions,
  Lane,
  Policy,
  StorageOptions,
  TaskName,
  TaskOptions,
} from '../contract/index.js'
import type { RemoteOptions } from '../remote/index.js'

/**
 * `background`: once for each model whose name does not say one revision (`id@revision`, a hub's commit), after its first
 * answer on the device; never with the policy `offline` or `power: 'low'`, when data is to be saved, nor more bytes than
 * `maxDownloadBytes`. `manual`: only `models.download()` brings another revision.
 */
export type Updates = 'background' | 'manual'

/** What a client is created with. Everything is optional; what is unknown or wrong is refused with `INVALID_OPTION`. */
export interface ClientOptions {
  /**
   * The address of the folder of models: `<models>/<id>/manifest.json`. Relative to the page. Several are mirrors of each
   * other: what the first does not give comes from the next. The default is that of {@link clientDefaults}.
   */
  readonly models?: string | URL | readonly (string | URL)[]
  /** The endpoint that answers when the device cannot; or several, which are ranked by what is measured of them. */
  readonly remote?: RemoteOptions | readonly RemoteOptions[]
  /** `false`: nothing runs on the device. The default is that of {@link clientDefaults}. */
  readonly device?: boolean
  /**
   * The only backends to use on the device, best first, even on an adapter that Edgeward would avoid (a software one).
   * When absent: WebGPU where there is a real GPU, then WASM.
   */
  readonly backends?: readonly Backend[]
  /** WASM threads for each session; needs a cross-origin isolated page. When absent: the cores, four at most. */
  readonly threads?: number
  /** Where `worker.js` of Edgeward's `dist/` folder is, when it is not beside the SDK's own script. */
  readonly workerUrl?: string | URL
  /** How much of the cache of weights this client may fill. When absent: what the browser gives. */
  readonly storage?: StorageOptions
  /**
   * Whether newer revisions of cached models are looked for and downloaded in the background, for the clients that come
   * after this one. The default is that of {@link clientDefaults}.
   */
  readonly updates?: Updates
  /** Where models named `hf:organisation/repository` come from. */
  readonly huggingFace?: HuggingFaceOptions
  /**
   * The share of requests, 0 to 1, that may be started at a second placement when the first is late (later than it was in 95
   * of 100 cases); whoever answers first wins. The default is that of {@link clientDefaults}.
   */
  readonly hedgeShare?: number
  /**
   * The share of requests, 0 to 1, that are run again on another placement after they were answered, to compare outputs and
   * speed; never those that are `local-only`. The default is that of {@link clientDefaults}.
   */
  readonly shadowShare?: number
  /**
   * How long, in milliseconds, a run or a step of a load may show no sign of life before its worker is ended and replaced. Where
   * runs were measured, a sixth of it, or ten times what they take; never less than the request's deadline. A third of it (but
   * 5 s at least) where the worker answers nothing at all, though neither a run nor a session keeps it from that; three times it
   * while ONNX Runtime starts, whose binary may still be on its way. The default is that of {@link clientDefaults}.
   */
  readonly hangMs?: number
  /** When a worker is replaced by a fresh one: at an idle moment; at twice the limits, at any moment. */
  readonly recycle?: RecycleOptions
  /**
   * In which order endpoints are asked: `measured`: the fastest first; `given`: as `remote` lists them, the next one when
   * those before it cannot answer. The default is that of {@link clientDefaults}.
   */
  readonly endpointOrder?: EndpointOrder
  /** What requests of this client want, unless they say otherwise. The defaults are those of {@link clientDefaults}. */
  readonly policy?: Policy
}

/** In which order endpoints are asked. */
export type EndpointOrder = 'measured' | 'given'

/** When a worker is replaced: WebAssembly memory never shrinks, and long-lived runtimes were seen to crash. */
export interface RecycleOptions {
  /** After so many runs of graphs. The default is that of {@link clientDefaults}. */
  readonly runs?: number
  /** When its heaps have grown by so many bytes since its models were ready. The default is that of {@link clientDefaults}. */
  readonly heapGrowthBytes?: number
}

/** Where models of Hugging Face's hub come from. */
export interface HuggingFaceOptions {
  /** The hub, or a mirror of it; relative to the page, or absolute. The default is that of {@link clientDefaults}. */
  readonly baseUrl?: string | URL
  /**
   * The token for private and gated repositories, or a function that gives it (undefined: none). It is asked for with
   * every request, sent to `baseUrl` only, and never stored. A function that throws ends the load with `DOWNLOAD_FAILED`.
   */
  readonly token?: string | (() => string | undefined | Promise<string | undefined>)
}

/** What can be said with every request. */
export interface RequestOptions {
  /** Ends the request: it rejects with `signal.reason`, and is not tried anywhere else. */
  readonly signal?: AbortSignal
  /** Overrides the client's policy, key by key. */
  readonly policy?: Policy
  /** Who goes first when several requests wait for the device. When absent: `default`. */
  readonly lane?: Lane
}

/** A request for text: what it is made from, how, and what every request may say. */
export type GenerateRequest = GenerationInput & GenerationOptions & RequestOptions

/** A request's options: those of every request and the task's own. */
export type PipelineOptions<T extends TaskName> = RequestOptions & TaskOptions<T>

export interface PrepareOptions extends RequestOptions {
  /** Hears how the model's files are coming along. */
  readonly onProgress?: (progress: DownloadProgress) => void
}

/** What holds where a caller says nothing. */
export const clientDefaults = Object.freeze({
  models: '/models/',
  device: true,
  updates: 'background',
  huggingFace: Object.freeze({ baseUrl: 'https://huggingface.co' }),
  hedgeShare: 0.05,
  shadowShare: 0,
  hangMs: 60_000,
  recycle: Object.freeze({ runs: 2_000, heapGrowthBytes: 256 * 1024 * 1024 }),
  endpointOrder: 'measured',
  policy: Object.freeze({
    residency: 'any',
    prefer: 'device',
    offline: false,
    deadlineMs: Infinity,
    firstOutputMs: Infinity,
    maxDownloadBytes: Infinity,
    maxMemoryBytes: Infinity,
    saveData: 'auto',
    power: 'auto',
    maxQueued: Infinity,
    minTokensPerSecond: 0,
  } as const),
})
