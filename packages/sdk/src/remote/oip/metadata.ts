/** Reads what a server says about a model: `GET v2/models/<name>`. */
import type { Field } from './field.js'
import { readJson } from './decode-message.js'

/** One input or output of a model at an endpoint. */
export interface TensorMetadata {
  readonly name: string
  /** The protocol's name; may be one that Edgeward cannot carry. */
  readonly datatype: string
  /** -1 stands for a dimension of any size. */
  readonly shape: readonly number[]
}

export interface ModelMetadata {
  readonly name: string
  /** Empty when the server does not tell. */
  readonly versions: readonly string[]
  readonly platform?: string
  readonly inputs: readonly TensorMetadata[]
  readonly outputs: readonly TensorMetadata[]
}

/** @throws EdgewardError `REMOTE_MALFORMED` with the path of the wrong field in `details.path`. */
export function decodeModelMetadata(body: Uint8Array): ModelMetadata {
  const message = readJson(body, 'REMOTE_MALFORMED')
  const versions = message.get('versions')
  const platform = message.get('platform')
  return {
    name: message.get('name').string(),
    versions: versions.isAbsent ? [] : versions.items().map((version) => version.string()),
    ...(platform.isAbsent ? {} : { platform: platform.string() }),
    inputs: message.get('inputs').items().map(readTensorMetadata),
    outputs: message.get('outputs').items().map(readTensorMetadata),
  }
}

function readTensorMetadata(field: Field): TensorMetadata {
  return {
    name: field.get('name').string(),
    datatype: field.get('datatype').string(),
    shape: field.get('shape').items().map(readDimension),
  }
}

function readDimension(field: Field): number {
  if (field.value === -1) return -1
  return field.size()
}
