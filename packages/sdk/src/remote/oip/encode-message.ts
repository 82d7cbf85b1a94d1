/** Writes the messages of inference: a client's request and a server's response. */
import type { Tensor, TensorMap } from '../../contract/index.js'
import type { ErrorCode } from '../../errors/index.js'
import { concatBytes } from '../../shared/index.js'
import { datatypeOf } from './datatype.js'
import { Field } from './field.js'
import { encodeTensorBinary } from './tensor-binary.js'
import { encodeTensorJson, type NonFinite } from './tensor-json.js'
import { checkTensor } from './tensor.js'

/** The header that says how many bytes of a message are JSON; the rest are tensors. */
export const jsonBytesHeader = 'Inference-Header-Content-Length'

export interface InferRequest {
  readonly id?: string
  readonly inputs: TensorMap
  /** The names of the outputs wanted; all when absent. */
  readonly outputs?: readonly string[]
  /** How long the answer is worth waiting for, in milliseconds; travels as the parameter `timeout`, in microseconds. */
  readonly timeoutMs?: number
}

export interface InferResponse {
  readonly modelName: string
  readonly modelVersion?: string
  readonly id?: string
  readonly outputs: TensorMap
}

/** What to hand to `fetch` or to an HTTP server. */
export interface EncodedMessage {
  readonly body: Uint8Array<ArrayBuffer> | string
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Writes a request for inference.
 *
 * @param binary - Whether tensors travel as bytes in both directions, or as JSON.
 * @throws EdgewardError `INVALID_INPUT` or `UNSUPPORTED_DTYPE` for a tensor that cannot travel.
 */
export function encodeInferRequest(request: InferRequest, { binary }: { binary: boolean }): EncodedMessage {
  const { id, outputs, timeoutMs } = request
  const parameters = {
    ...(binary && !outputs && { binary_data_output: true }),
    // To Triton, 0 means no limit.
    ...(timeoutMs !== undefined && { timeout: Math.max(1, Math.floor(timeoutMs * 1000)) }),
  }
  const message = {
    id,
    parameters: Object.keys(parameters).length > 0 ? parameters : undefined,
    outputs: outputs?.map((name) => ({ name, parameters: binary ? { binary_data: true } : undefined })),
  }
  const context: EncodeContext = { field: 'inputs', code: 'INVALID_INPUT', nonFinite: 'bare', binary: () => binary }
  return encodeMessage(message, request.inputs, context)
}

/**
 * Writes a response.
 *
 * @param binary - Whether an output travels as bytes; what the client asked for.
 * @throws EdgewardError `OUTPUT_INVALID` or `UNSUPPORTED_DTYPE` for a tensor that cannot travel.
 */
export function encodeInferResponse(
  response: InferResponse,
  { binary }: { binary: (output: string) => boolean },
): EncodedMessage {
  const { modelName, modelVersion, id, outputs } = response
  const message = { model_name: modelName, model_version: modelVersion, id }
  return encodeMessage(message, outputs, { field: 'outputs', code: 'OUTPUT_INVALID', nonFinite: 'standard', binary })
}

interface EncodeContext {
  readonly field: 'inputs' | 'outputs'
  readonly code: ErrorCode
  readonly nonFinite: NonFinite
  readonly binary: (tensor: string) => boolean
}

function encodeMessage(message: Record<string, unknown>, tensors: TensorMap, context: EncodeContext): EncodedMessage {
  const chunks: Uint8Array[] = []
  const texts = Object.entries(tensors).map(([name, tensor]) => {
    const { entry, bytes } = encodeTensor(name, tensor, context)
    if (bytes) chunks.push(bytes)
    return entry
  })
  const json = appendRaw(message, context.field, `[${texts.join(',')}]`)
  if (chunks.length === 0) return { body: json, headers: { 'Content-Type': 'application/json' } }
  const head = new TextEncoder().encode(json)
  return {
    body: concatBytes([head, ...chunks]),
    headers: { 'Content-Type': 'application/octet-stream', [jsonBytesHeader]: String(head.length) },
  }
}

function encodeTensor(name: string, tensor: Tensor, context: EncodeContext): { entry: string; bytes?: Uint8Array } {
  const datatype = datatypeOf(tensor.dtype, name)
  checkTensor(tensor, new Field(tensor, `${context.field}.${name}`, context.code))
  const head = { name, datatype, shape: tensor.shape }
  if (!context.binary(name)) return { entry: appendRaw(head, 'data', encodeTensorJson(tensor, context.nonFinite)) }
  const bytes = encodeTensorBinary(tensor)
  return { entry: JSON.stringify({ ...head, parameters: { binary_data_size: bytes.length } }), bytes }
}

/** The JSON of `head` with one more key, whose value is JSON text already. */
function appendRaw(head: object, key: string, json: string): string {
  const text = JSON.stringify(head)
  return `${text.slice(0, -1)}${text === '{}' ? '' : ','}"${key}":${json}}`
}
