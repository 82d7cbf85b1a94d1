/** The public door `edgeward/generation`: generating text with any runtime, as the worker and the reference endpoint do. */
export type {
  ChatMessage,
  FinishReason,
  GenerationEvent,
  GenerationInput,
  GenerationOptions,
  GenerationResume,
  GenerationTimings,
  GenerationUsage,
  LanguageModelConfig,
  ResponseFormat,
  TextFormat,
  TokenLogprob,
  ToolCall,
  ToolChoice,
  ToolDefinition,
} from './contract/index.js'
export {
  buildLlama,
  ggufTokenizer,
  languageModelConfig,
  readGguf,
  type GgmlType,
  type GgufFile,
  type GgufMetadata,
  type GgufTensor,
  type GgufTokenizer,
  type LlamaBuild,
  type LlamaDtype,
  type LlamaModel,
  type WeightTensor,
} from './formats/index.js'
export * from './generation/index.js'
export { MarkupReader, type Piece } from './generation/page.js'
// eslint-disable-next-line local/room-imports -- pure, and no part of the page: the packing tool says of a GGUF what the worker says
export { draftGguf } from './worker/gguf-draft.js'
export { featureExtraction } from './tasks/feature-extraction/index.js'
export type { LoadedTask, TaskContext } from './contract/index.js'
