/** Inference over HTTP, against sessions of ONNX Runtime. */
import { decodeInferResponse, encodeInferRequest } from 'edgeward/oip'
import type { Tensor, TensorDtype, TensorMap } from 'edgeward'
import { describe, expect, it } from 'vitest'
import { mlpRequest, startServer } from './support/start-server.js'

const samples: { [D in TensorDtype]: Extract<Tensor, { dtype: D }> } = {
  float32: { dtype: 'float32', shape: [2], data: Float32Array.of(1.5, -Infinity) },
  float64: { dtype: 'float64', shape: [2], data: Float64Array.of(Math.PI, -1e300) },
  float16: { dtype: 'float16', shape: [2], data: Uint16Array.of(0x3c00, 0xc000) },
  int8: { dtype: 'int8', shape: [2], data: Int8Array.of(-128, 127) },
  uint8: { dtype: 'uint8', shape: [2], data: Uint8Array.of(0, 255) },
  int16: { dtype: 'int16', shape: [2], data: Int16Array.of(-32768, 32767) },
  uint16: { dtype: 'uint16', shape: [2], data: Uint16Array.of(0, 65535) },
  int32: { dtype: 'int32', shape: [2], data: Int32Array.of(-(2 ** 31), 2 ** 31 - 1) },
  uint32: { dtype: 'uint32', shape: [2], data: Uint32Array.of(0, 2 ** 32 - 1) },
  int64: { dtype: 'int64', shape: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n) },
  uint64: { dtype: 'uint64', shape: [2], data: BigUint64Array.of(0n, 2n ** 64n - 1n) },
  bool: { dtype: 'bool', shape: [2], data: Uint8Array.of(1, 0) },
  string: { dtype: 'string', shape: [2], data: ['hé', ''] },
}
const expectedOutputs = Object.fromEntries(Object.values(samples).map((tensor) => [`${tensor.dtype}_out`, tensor]))

async function decode(response: Response) {
  const jsonBytes = response.headers.get('Inference-Header-Content-Length')
  const body = new Uint8Array(await response.arrayBuffer())
  return decodeInferResponse(body, jsonBytes === null ? body.length : Number(jsonBytes))
}

describe('infer', () => {
  it('carries every dtype as bytes, both ways', async () => {
    const { post } = await startServer()
    const { body, headers } = encodeInferRequest({ id: 'r-1', inputs: samples }, { binary: true })

    const response = await post('/v2/models/every/infer', body, headers)

    expect(response.status).toBe(200)
    expect(response.headers.get('Content-Type')).toBe('application/octet-stream')
    expect(await decode(response)).toMatchObject({ modelName: 'every', id: 'r-1', outputs: expectedOutputs })
  })

  it('carries every dtype as JSON, both ways', async () => {
    const { post } = await startServer()
    // JSON of the standard has no infinity: an answer says null, which a client cannot tell from NaN.
    const inputs: TensorMap = { ...samples, float32: { dtype: 'float32', shape: [2], data: Float32Array.of(1.5, -2) } }
    const { body } = encodeInferRequest({ inputs }, { binary: false })

    const response = await post('/v2/models/every/infer', body)

    expect(response.status).toBe(200)
    expect(response.headers.get('Content-Type')).toMatch(/^application\/json/)
    expect(response.headers.has('Inference-Header-Content-Length')).toBe(false)
    const { id, outputs } = await decode(response)
    expect(id).toBeUndefined()
    expect(outputs).toEqual({ ...expectedOutputs, float32_out: inputs['float32'] })
  })

  it('carries tensors without elements', async () => {
    const { post } = await startServer()
    const inputs = Object.fromEntries(
      Object.values(samples).map((tensor) => [tensor.dtype, { ...tensor, shape: [0], data: tensor.data.slice(0, 0) }]),
    ) as TensorMap

    for (const binary of [true, false]) {
      const { body, headers } = encodeInferRequest({ inputs }, { binary })
      const { outputs } = await decode(await post('/v2/models/every/infer', body, headers))
      expect(Object.values(outputs).map(({ shape }) => shape)).toEqual(Object.keys(samples).map(() => [0]))
    }
  })

  it.each([undefined, 'application/json', 'application/octet-stream', 'text/plain', 'no media type at all'])(
    'takes a request whose Content-Type is %s',
    async (contentType) => {
      const { post } = await startServer()
      const body = Buffer.from(JSON.stringify(mlpRequest([1, 2, 3, 4])))

      const response = await post(
        '/v2/models/tiny-mlp/infer',
        body,
        contentType === undefined ? {} : { 'Content-Type': contentType },
      )

      expect(response.status).toBe(200)
    },
  )

  it('answers under the version 1 and under the revision, and names the revision', async () => {
    const { post } = await startServer()
    for (const version of ['1', 'r1']) {
      const response = await post(`/v2/models/tiny-mlp/versions/${version}/infer`, mlpRequest([1, 2, 3, 4]))
      expect(await response.json()).toMatchObject({ model_name: 'tiny-mlp', model_version: 'r1' })
    }
  })

  it('gives only the outputs asked for, each in the form asked for', async () => {
    const { infer } = await startServer()
    const four = { datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }
    const inputs = [
      { name: 'a', ...four },
      { name: 'b', ...four },
    ]

    const one = await infer('pair', { inputs, outputs: [{ name: 'product' }] })
    expect(await one.json()).toMatchObject({ outputs: [{ name: 'product', data: [1, 4, 9, 16] }] })

    const mixed = await infer('pair', {
      inputs,
      outputs: [{ name: 'sum', parameters: { binary_data: true } }, { name: 'product' }],
    })
    expect((await decode(mixed)).outputs).toEqual({
      sum: { dtype: 'float32', shape: [1, 4], data: Float32Array.of(2, 4, 6, 8) },
      product: { dtype: 'float32', shape: [1, 4], data: Float32Array.of(1, 4, 9, 16) },
    })
  })

  it('gives each of many requests at once its own answer', async () => {
    const { infer } = await startServer({ maxConcurrentRuns: 2 })
    const answer = async (row: number[]) => (await (await infer('tiny-mlp', mlpRequest(row))).json()) as unknown
    const rows = Array.from({ length: 60 }, (_, index) => [index, -index, index / 7, 1])
    const oneByOne = []
    for (const row of rows) oneByOne.push(await answer(row))

    const atOnce = await Promise.all(rows.map(answer))

    expect(atOnce).toEqual(oneByOne)
    expect(new Set(atOnce.map((one) => JSON.stringify(one))).size).toBe(rows.length)
  })

  it('serves each graph of a model with several under its own name', async () => {
    const { url } = await startServer()
    const { models } = (await (await fetch(`${url}/v2/models`)).json()) as { models: string[] }
    expect(models).toEqual(expect.arrayContaining(['several.first', 'several.second', 'tiny-mlp']))
    expect(models).not.toContain('several')
  })
})
