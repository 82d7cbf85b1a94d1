/** What a caller may say about an endpoint, and what holds when they do not. */

/** What every endpoint is told by. */
interface EndpointOptions {
  /** Sent with every request; a function is asked each time, so that a token can be renewed. */
  readonly headers?: RequestHeaders
  /**
   * How long one request to the endpoint may take, from the headers function to the last byte; of a stream, to its first byte.
   * Default: {@link remoteDefaults}.
   */
  readonly timeoutMs?: number
  /** The most bytes of an answer that are read. Default: {@link remoteDefaults}. */
  readonly maxResponseBytes?: number
  /**
   * Whether the endpoint is asked for its load with every request (ORCA's header `endpoint-load-metrics-format`). Default:
   * {@link remoteDefaults}. An endpoint that does not allow this page to send the header is not asked again; of those that
   * speak `openai`, only vLLM and Edgeward's own are asked.
   */
  readonly loadReports?: boolean
}

/** Open Inference Protocol v2: Triton, KServe, MLServer, OpenVINO Model Server, and Edgeward's own endpoint. */
export interface OipRemoteOptions extends EndpointOptions {
  readonly protocol: 'oip'
  /** Where the endpoint is; a path is kept: `https://host/base` means `https://host/base/v2/…`. Never credentials. */
  readonly url: string | URL
  /**
   * Whether tensors travel as bytes instead of JSON. Default: {@link remoteDefaults}. An endpoint that refuses the first such request is
   * sent JSON from then on.
   */
  readonly binary?: boolean
}

/** OpenAI's protocol: vLLM, llama.cpp, Ollama, OpenVINO Model Server, Edgeward's own endpoint, and many more. */
export interface OpenAiRemoteOptions extends EndpointOptions {
  readonly protocol: 'openai'
  /** The base address, as OpenAI's clients take it, such as `https://host/v1`. Never credentials. */
  readonly url: string | URL
  /**
   * What models are called at the endpoint, by their ids here; it does not answer for others. It must serve the same weights
   * under that name, for a text to be gone on with from one to the other.
   */
  readonly models?: Readonly<Record<string, string>>
  /** What every model is called at the endpoint; without it and without `models`, its id (`org/repo` of `hf:org/repo`). */
  readonly model?: string
  /** Which software answers; it decides what is asked beyond OpenAI's own fields. When absent, `GET <url>/models` tells. */
  readonly server?: OpenAiServer
  /** The longest silence within a stream. Default: {@link remoteDefaults}. */
  readonly stallMs?: number
  /** How a text that began elsewhere is gone on with. Default: {@link remoteDefaults}. */
  readonly continuation?: Continuation
}

/** `other` is sent nothing but OpenAI's own fields, unless the caller's options have no other name. */
export type OpenAiServer = 'edgeward' | 'vllm' | 'llamacpp' | 'ollama' | 'ovms' | 'openai' | 'other'

/**
 * `tokens`: by token ids on `/completions`: the endpoint has the same tokenizer. `message`: as the last message of the chat,
 * with `continue_final_message`. `none`: not at all. `auto`: whichever the endpoint is found to do exactly.
 */
export type Continuation = 'auto' | 'tokens' | 'message' | 'none'

/** An endpoint, by the protocol that it speaks. */
export type RemoteOptions = OipRemoteOptions | OpenAiRemoteOptions

export type RequestHeaders =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>)

/** The defaults of {@link OipRemoteOptions} and {@link OpenAiRemoteOptions}. */
export const remoteDefaults = Object.freeze({
  headers: Object.freeze({}) as Readonly<Record<string, string>>,
  timeoutMs: 30_000,
  maxResponseBytes: 256 * 1024 * 1024,
  binary: true,
  loadReports: true,
  stallMs: 15_000,
  continuation: 'auto',
})
