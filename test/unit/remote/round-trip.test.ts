/** Every dtype survives the way through a message, as JSON and as bytes, in both directions. */
import { describe, expect, it } from 'vitest'
import type { Tensor, TensorMap } from '../../../packages/sdk/src/contract/index.js'
import {
  decodeInferRequest,
  decodeInferResponse,
  encodeInferRequest,
  encodeInferResponse,
  type EncodedMessage,
} from '../../../packages/sdk/src/oip.js'

const tensors: Record<string, Tensor> = {
  bool: { dtype: 'bool', shape: [2, 1], data: Uint8Array.of(1, 0) },
  uint8: { dtype: 'uint8', shape: [3], data: Uint8Array.of(0, 1, 255) },
  uint16: { dtype: 'uint16', shape: [2], data: Uint16Array.of(0, 65535) },
  uint32: { dtype: 'uint32', shape: [2], data: Uint32Array.of(0, 4294967295) },
  uint64: { dtype: 'uint64', shape: [3], data: BigUint64Array.of(0n, 2n ** 53n + 1n, 2n ** 64n - 1n) },
  int8: { dtype: 'int8', shape: [2], data: Int8Array.of(-128, 127) },
  int16: { dtype: 'int16', shape: [2], data: Int16Array.of(-32768, 32767) },
  int32: { dtype: 'int32', shape: [2], data: Int32Array.of(-2147483648, 2147483647) },
  int64: { dtype: 'int64', shape: [4], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, 2n ** 60n + 1n, -1n) },
  float16: { dtype: 'float16', shape: [6], data: Uint16Array.of(0x3e00, 0x0001, 0x8000, 0x7bff, 0x7c00, 0x7e00) },
  float32: { dtype: 'float32', shape: [2, 3], data: Float32Array.of(0.1, -0, 3.4e38, NaN, Infinity, -Infinity) },
  float64: { dtype: 'float64', shape: [5], data: Float64Array.of(1.1, 5e-324, 1e20, -0, NaN) },
  string: { dtype: 'string', shape: [5], data: ['hé', '', '日本語 🦊', '"}\\{\u0000NaN', '\ufeffbom'] },
}

const edgeCases: Record<string, Tensor> = {
  'scalar int64': { dtype: 'int64', shape: [], data: BigInt64Array.of(7n) },
  'scalar string': { dtype: 'string', shape: [], data: ['one'] },
  'empty float32': { dtype: 'float32', shape: [0, 4], data: new Float32Array(0) },
  'empty string': { dtype: 'string', shape: [2, 0], data: [] },
  'a name with "quotes"': { dtype: 'uint8', shape: [1], data: Uint8Array.of(1) },
}

const bytesOf = ({ body }: EncodedMessage): Uint8Array =>
  typeof body === 'string' ? new TextEncoder().encode(body) : body

const jsonBytesOf = ({ headers }: EncodedMessage): number | undefined => {
  const header = headers['Inference-Header-Content-Length']
  return header === undefined ? undefined : Number(header)
}

describe.each([{ binary: true }, { binary: false }])('with binary: $binary', ({ binary }) => {
  it.each(Object.entries({ ...tensors, ...edgeCases }))('a request carries %s unchanged', (name, tensor) => {
    const message = encodeInferRequest({ id: 'q1', inputs: { [name]: tensor } }, { binary })
    const request = decodeInferRequest(bytesOf(message), jsonBytesOf(message))
    expect(request.inputs).toEqual({ [name]: tensor })
    expect(request.id).toBe('q1')
  })

  it.each(Object.entries({ ...tensors, ...edgeCases }))('a response carries %s unchanged', (name, tensor) => {
    const response = { modelName: 'm', modelVersion: '1', id: 'q1', outputs: { [name]: tensor } }
    const message = encodeInferResponse(response, { binary: () => binary })
    const expected = { modelName: 'm', id: 'q1', outputs: { [name]: tensor } }
    expect(decodeInferResponse(bytesOf(message), jsonBytesOf(message))).toEqual(expected)
    expect(decodeInferResponse(bytesOf(message)), 'header hidden by CORS').toEqual(expected)
  })

  it('carries all tensors of a message in one body, wherever they begin in it', () => {
    const message = encodeInferResponse({ modelName: 'm', outputs: tensors }, { binary: () => binary })
    expect(decodeInferResponse(bytesOf(message)).outputs).toEqual(tensors)
  })
})

it('mixes tensors as JSON and as bytes in one response', () => {
  const message = encodeInferResponse(
    { modelName: 'm', outputs: tensors },
    { binary: (name) => name.startsWith('int') },
  )
  expect(decodeInferResponse(bytesOf(message), jsonBytesOf(message)).outputs).toEqual(tensors)
})

it('keeps a tensor named __proto__ as a tensor', () => {
  const outputs: TensorMap = Object.fromEntries([['__proto__', { dtype: 'bool', shape: [1], data: Uint8Array.of(1) }]])
  const message = encodeInferResponse({ modelName: 'm', outputs }, { binary: () => false })
  const decoded = decodeInferResponse(bytesOf(message)).outputs
  expect(Object.keys(decoded)).toEqual(['__proto__'])
  expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype)
})

it('sends a view into a larger buffer as only its own values', () => {
  const data = Float32Array.of(9, 1, 2, 9).subarray(1, 3)
  const message = encodeInferRequest({ inputs: { x: { dtype: 'float32', shape: [2], data } } }, { binary: true })
  const { inputs } = decodeInferRequest(bytesOf(message), jsonBytesOf(message))
  expect(inputs['x']?.data).toEqual(Float32Array.of(1, 2))
})

it('writes responses in standard JSON even when numbers are not finite', () => {
  const data = Float32Array.of(NaN, Infinity, -Infinity)
  const { body } = encodeInferResponse(
    { modelName: 'm', outputs: { y: { dtype: 'float32', shape: [3], data } } },
    { binary: () => false },
  )
  expect(JSON.parse(body as string)).toMatchObject({ outputs: [{ data: [null, Infinity, -Infinity] }] })
})

it('asks for binary answers output by output when outputs are named, else for all', () => {
  const inputs: TensorMap = { x: { dtype: 'bool', shape: [1], data: Uint8Array.of(1) } }
  const decode = (message: EncodedMessage) => decodeInferRequest(bytesOf(message), jsonBytesOf(message))
  const named = decode(encodeInferRequest({ inputs, outputs: ['y', 'z'] }, { binary: true }))
  expect(named).toMatchObject({
    outputs: [
      { name: 'y', binary: true },
      { name: 'z', binary: true },
    ],
    binaryOutput: false,
  })
  expect(decode(encodeInferRequest({ inputs }, { binary: true })).binaryOutput).toBe(true)
  expect(decode(encodeInferRequest({ inputs, outputs: ['y'] }, { binary: false })).outputs).toEqual([
    { name: 'y', binary: false },
  ])
})
