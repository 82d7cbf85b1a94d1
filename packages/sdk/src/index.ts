/** The public door of Edgeward. */
export { createClient } from './api/create-client.js'
export type { Client, Pipeline } from './api/client-surface.js'
export type { ChatCompletions, Completions, OpenAiSurface } from './api/openai-surface.js'
export type * from './api/openai/types.js'
export type { GenerationStream } from './api/generation-stream.js'
export { clientDefaults } from './api/options.js'
export type {
  ClientOptions,
  EndpointOrder,
  GenerateRequest,
  HuggingFaceOptions,
  PipelineOptions,
  PrepareOptions,
  RecycleOptions,
  RequestOptions,
} from './api/options.js'
export type * from './contract/index.js'
export {
  EdgewardError,
  isAbortError,
  isEdgewardError,
  type ErrorCode,
  type ErrorDetails,
  type Fallback,
} from './errors/index.js'
export { generationDefaults } from './generation/page.js'
export {
  remoteDefaults,
  type Continuation,
  type OipRemoteOptions,
  type OpenAiRemoteOptions,
  type OpenAiServer,
  type RemoteOptions,
} from './remote/index.js'
