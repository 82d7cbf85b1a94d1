/** `POST /v2/models/<name>/infer`: from the bytes of a request to the bytes of its answer. */
import { EdgewardError } from 'edgeward'
import {
  decodeInferRequest,
  encodeInferResponse,
  jsonBytesHeader,
  type DecodedInferRequest,
  type EncodedMessage,
} from 'edgeward/oip'
import type { ServedModel } from '../models/served-model.js'
import { checkInputs, outputNames } from './check-inputs.js'

export interface InferCall {
  /** Undefined when the request has no body. */
  readonly body: Uint8Array | undefined
  /** The value of `Inference-Header-Content-Length`, as it came. */
  readonly jsonBytes: string | undefined
}

/** @throws {EdgewardError} `INVALID_INPUT` or `UNSUPPORTED_DTYPE` for what is not a request. */
export function readInferCall({ body, jsonBytes }: InferCall): DecodedInferRequest {
  if (!body || body.length === 0) throw new EdgewardError('INVALID_INPUT', 'the request has no body')
  return decodeInferRequest(body, readJsonBytes(jsonBytes))
}

/**
 * @throws {EdgewardError} `INVALID_INPUT` for a request that the model does not take; what {@link ServedModel.run}
 *   throws; `OUTPUT_INVALID` when the model gave what cannot travel.
 */
export async function infer(
  model: ServedModel,
  request: DecodedInferRequest,
  signal: AbortSignal,
): Promise<EncodedMessage> {
  checkInputs(model, request.inputs)
  const names = outputNames(model, request.outputs)
  const outputs = await model.run(request.inputs, names, signal)
  const binaryByName = new Map(request.outputs?.map(({ name, binary }) => [name, binary]))
  return encodeInferResponse(
    {
      modelName: model.name,
      modelVersion: model.revision,
      ...(request.id === undefined ? {} : { id: request.id }),
      outputs,
    },
    { binary: (name) => binaryByName.get(name) ?? request.binaryOutput },
  )
}

function readJsonBytes(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  if (/^\d{1,15}$/.test(value)) return Number(value)
  throw new EdgewardError(
    'INVALID_INPUT',
    `${jsonBytesHeader} must be a number of bytes, found "${value.slice(0, 40)}"`,
  )
}
