/**
 * The door of the formats room: reading ONNX files without ONNX Runtime.
 *
 * `readGraphSignature(source, where)` gives `{ inputs, outputs }` as the contract's `TensorSpec[]`; `source` is a
 * `Uint8Array`, or a file in chunks as the weights store gives it.
 */
export { readGraphSignature, type GraphSignature } from './graph-signature.js'
export type { ByteSource } from './protobuf.js'
