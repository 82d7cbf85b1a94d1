/** Reads the messages of inference: a client's request and a server's response. */
import type { Tensor, TensorMap } from '../../contract/index.js'
import { messageOf, type ErrorCode } from '../../errors/index.js'
import { dtypeOf } from './datatype.js'
import { describeValue, Field, readShape } from './field.js'
import { findJsonEnd, parseJson } from './json.js'
import { decodeTensorBinary } from './tensor-binary.js'
import { decodeTensorJson } from './tensor-json.js'

/** Inputs or outputs of one message; a decoder with its cache has some hundreds. */
const maxTensors = 4096

/** An output that a client asks for. */
export interface RequestedOutput {
  readonly name: string
  /** Whether it is to travel as bytes. */
  readonly binary: boolean
}

export interface DecodedInferRequest {
  readonly id?: string
  readonly inputs: TensorMap
  /** Absent: all of the model's outputs are wanted. */
  readonly outputs?: readonly RequestedOutput[]
  /** Whether outputs travel as bytes where {@link outputs} does not say. */
  readonly binaryOutput: boolean
  /** How long the client waits for the answer, in milliseconds; absent: it does not say. */
  readonly timeoutMs?: number
}

export interface DecodedInferResponse {
  readonly modelName: string
  readonly id?: string
  readonly outputs: TensorMap
}

/**
 * Reads a client's request for inference.
 *
 * @param jsonBytes - The value of `Inference-Header-Content-Length`; absent: the whole body is JSON.
 * @throws EdgewardError `INVALID_INPUT` with the path of the wrong field in `details.path`, or `UNSUPPORTED_DTYPE`.
 */
export function decodeInferRequest(body: Uint8Array, jsonBytes = body.length): DecodedInferRequest {
  const { message, tail } = readBody(body, jsonBytes, 'INVALID_INPUT')
  const parameters = message.get('parameters')
  const binaryOutput = parameters.get('binary_data_output').boolean(false)
  const outputs = message.get('outputs')
  return {
    ...readId(message),
    inputs: readTensors(message.get('inputs'), tail),
    ...(outputs.isAbsent ? {} : { outputs: readRequestedOutputs(outputs, binaryOutput) }),
    binaryOutput,
    ...readTimeout(parameters.get('timeout')),
  }
}

/**
 * Reads a server's response.
 *
 * @param jsonBytes - The value of `Inference-Header-Content-Length`. When CORS hides it, the end of the JSON is found
 * by its braces, and must agree with the sizes that the JSON states.
 * @throws EdgewardError `REMOTE_MALFORMED` with the path of the wrong field in `details.path`, or `UNSUPPORTED_DTYPE`.
 */
export function decodeInferResponse(body: Uint8Array, jsonBytes = findJsonEnd(body)): DecodedInferResponse {
  const { message, tail } = readBody(body, jsonBytes, 'REMOTE_MALFORMED')
  // Triton and llama.cpp may say 200 and mean an error.
  const error = message.get('error')
  if (!error.isAbsent) throw error.error(`came in place of outputs: ${describeValue(error.value)}`)
  return {
    modelName: message.get('model_name').string(),
    ...readId(message),
    outputs: readTensors(message.get('outputs'), tail),
  }
}

function readBody(body: Uint8Array, jsonBytes: number, code: ErrorCode): { message: Field; tail: Uint8Array } {
  const whole = new Field(undefined, '', code)
  if (jsonBytes === 0 && body.length > 0) {
    throw whole.error('a raw tensor is not supported; JSON that describes the tensors must come before them')
  }
  if (!Number.isInteger(jsonBytes) || jsonBytes < 0 || jsonBytes > body.length) {
    throw whole.error(`Inference-Header-Content-Length is ${jsonBytes}, but the body has ${body.length} bytes`)
  }
  const message = readJson(body.subarray(0, jsonBytes), code)
  return { message, tail: body.subarray(jsonBytes) }
}

/** Reads JSON that must be an object. */
export function readJson(bytes: Uint8Array, code: ErrorCode): Field {
  let value: unknown
  try {
    value = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new Field(undefined, '', code).error(`is not JSON in UTF-8: ${messageOf(cause)}`)
  }
  const message = new Field(value, '', code)
  if (message.isAbsent) throw message.error('must be an object, found null')
  return message
}

function readId(message: Field): { id?: string } {
  const id = message.get('id')
  return id.isAbsent ? {} : { id: id.string() }
}

/** Microseconds; 0: no limit (https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_parameters.md). */
function readTimeout(timeout: Field): { timeoutMs?: number } {
  // Of 64 bits: what no number holds exactly is longer than anybody waits.
  if (timeout.isAbsent || (typeof timeout.value === 'bigint' && timeout.value > 0n)) return {}
  return timeout.size() === 0 ? {} : { timeoutMs: timeout.size() / 1000 }
}

function readRequestedOutputs(outputs: Field, binaryOutput: boolean): RequestedOutput[] {
  return outputs.items(maxTensors).map((output) => ({
    name: output.get('name').string(),
    binary: output.get('parameters').get('binary_data').boolean(binaryOutput),
  }))
}

function readTensors(list: Field, tail: Uint8Array): TensorMap {
  const tensors = new Map<string, Tensor>()
  let at = 0
  for (const field of list.items(maxTensors)) {
    const name = field.get('name').string()
    if (tensors.has(name)) throw field.error(`a second tensor named '${name}'`)
    const size = field.get('parameters').get('binary_data_size')
    const bytes = size.isAbsent ? undefined : tail.subarray(at, at + size.size())
    if (bytes && bytes.length < size.size()) throw size.error('is beyond the end of the body')
    tensors.set(name, readTensor(field, name, bytes))
    at += bytes?.length ?? 0
  }
  if (tail.subarray(at).some((byte) => at > 0 || !isJsonSpace(byte))) {
    throw list.error(`the body has ${tail.length - at} bytes more than its tensors`)
  }
  // `fromEntries` makes even `__proto__` a plain key.
  return Object.fromEntries(tensors)
}

function readTensor(field: Field, name: string, bytes: Uint8Array | undefined): Tensor {
  const dtype = dtypeOf(field.get('datatype').string(), name)
  const shape = readShape(field.get('shape'))
  const data = field.get('data')
  if (!bytes) return decodeTensorJson(data, dtype, shape)
  if (!data.isAbsent) throw field.error('has both data and parameters.binary_data_size; only one can be')
  return decodeTensorBinary(bytes, dtype, shape, field)
}

function isJsonSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)
}
