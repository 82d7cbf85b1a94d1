/**
 * The door of the formats room: reading ONNX files without ONNX Runtime.
 *
 * `readGraphSignature(source, where)` gives `{ inputs, outputs }` as the contract's `TensorSpec[]`; `source` is a
 * `Uint8Array`, or a file in chunks as the weights store gives it.
 */
export { countParameters, type ParameterCount } from './count-parameters.js'
export { externalTensors, type ExternalTensor } from './external-tensors.js'
export { blocksOf, decodeTensor } from './gguf-blocks.js'
export { languageModelConfig } from './gguf-config.js'
export { ggufTokenizer, type GgufTokenizer } from './gguf-tokenizer.js'
export type { GgmlType, GgufFile, GgufMetadata, GgufTensor } from './gguf-types.js'
export { readGguf } from './gguf.js'
export { readGraphSignature } from './graph-signature.js'
export type { LlamaBuild, LlamaDtype, LlamaModel, WeightTensor } from './llama-graph-types.js'
export { buildLlama } from './llama-graph.js'
export { splitWeights } from './split-weights.js'
export { textFormat } from './text-format.js'
