/**
 * The door of the formats room: reading ONNX files without ONNX Runtime.
 *
 * `readGraphSignature(source, where)` gives `{ inputs, outputs }` as the contract's `TensorSpec[]`; `source` is a
 * `Uint8Array`, or a file in chunks as the weights store gives it.
 */
export { countParameters, type ParameterCount } from './count-parameters.js'
export { externalTensors, type ExternalTensor } from './external-tensors.js'
export { readGraphSignature } from './graph-signature.js'
export { splitWeights } from './split-weights.js'
