/** What the endpoint says about itself and its models, in the protocol's shapes. */
import { readFileSync } from 'node:fs'
import type { TensorSpec } from 'edgeward/manifest'
import { datatypeOf } from 'edgeward/oip'
import type { Served } from '../models/served.js'

/** The answer to `GET /v2`. */
export function serverMetadata() {
  return { name: 'edgeward', version: packageVersion, extensions: ['binary_tensor_data'] }
}

/** The answer to `GET /v2/models/<name>`. */
export function modelMetadata({ name, versions, inputs, outputs }: Served) {
  return {
    name,
    versions,
    platform: 'onnxruntime_onnx',
    inputs: inputs.map(tensorMetadata),
    outputs: outputs.map(tensorMetadata),
  }
}

/** One entry of the answer to `POST /v2/repository/index`, Triton's list of models. */
export function indexEntry({ name, revision, isReady }: Served) {
  const state = isReady ? { state: 'READY', reason: '' } : { state: 'UNAVAILABLE', reason: 'the last load failed' }
  return { name, version: revision, ...state }
}

function tensorMetadata({ name, dtype, shape }: TensorSpec) {
  const sizes = shape.map((length) => (typeof length === 'string' ? -1 : length))
  return { name, datatype: datatypeOf(dtype, name), shape: sizes }
}

const packageVersion = readPackageVersion()

function readPackageVersion(): string {
  const json: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const version = typeof json === 'object' && json !== null && 'version' in json ? json.version : undefined
  return typeof version === 'string' ? version : 'unknown'
}
