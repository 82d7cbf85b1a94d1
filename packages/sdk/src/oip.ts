/** The public door `edgeward/oip`: reading and writing Open Inference Protocol v2 messages, in browsers and Node. */
export { datatypeOf, dtypeOf, type OipDatatype } from './remote/oip/datatype.js'
export {
  decodeInferRequest,
  decodeInferResponse,
  type DecodedInferRequest,
  type DecodedInferResponse,
  type RequestedOutput,
} from './remote/oip/decode-message.js'
export {
  encodeInferRequest,
  encodeInferResponse,
  jsonBytesHeader,
  type EncodedMessage,
  type InferRequest,
  type InferResponse,
} from './remote/oip/encode-message.js'
export { decodeModelMetadata, type ModelMetadata, type TensorMetadata } from './remote/oip/metadata.js'
export { endpointModelName } from './remote/oip/model-name.js'
