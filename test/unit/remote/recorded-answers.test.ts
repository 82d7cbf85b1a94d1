/** The client understands what Triton, KServe and MLServer really say, byte for byte. */
import { describe, expect, it } from 'vitest'
import type { TensorMap } from '../../../packages/sdk/src/contract/index.js'
import { decodeInferResponse, decodeModelMetadata } from '../../../packages/sdk/src/oip.js'
import { OipClient } from '../../../packages/sdk/src/remote/oip/oip-client.js'
import { parseHttp, readFixture, replay, type RawMessage } from './raw-http.js'

const servers = ['triton', 'kserve', 'mlserver'] as const
const signal = new AbortController().signal
const x: TensorMap = { x: { dtype: 'float32', shape: [1, 4], data: Float32Array.of(1, 2, 3, 4) } }

const answerOf = (server: string, name: string): RawMessage => parseHttp(readFixture(`${server}/${name}.resp.http`))

const decode = (server: string, name: string) => {
  const { headers, body } = answerOf(server, name)
  const header = headers.get('Inference-Header-Content-Length')
  return decodeInferResponse(body, header === null ? undefined : Number(header))
}

/** A client of a server that always gives one recorded answer. */
const clientOf = async (server: string, name: string, binary = false): Promise<OipClient> => {
  const url = await replay(() => readFixture(`${server}/${name}.resp.http`))
  return new OipClient({ protocol: 'oip', url, binary })
}

describe.each(servers)('%s', (server) => {
  it('answers in JSON', async () => {
    const client = await clientOf(server, 'infer-flat')
    await expect(client.infer('lin', x, { signal })).resolves.toEqual({
      y: { dtype: 'float32', shape: [1, 3], data: Float32Array.of(5.5, 5.5, 9) },
    })
  })

  it('gives infinities as its JSON has them', () => {
    const { data } = decode(server, 'infer-inf-out').outputs['y'] ?? {}
    const infinity = server === 'triton' ? Infinity : NaN // the others write null
    expect(data).toEqual(Float32Array.of(infinity, 3.000000005497756e38, infinity))
  })

  it('answers minilm the same in JSON and in bytes', () => {
    const asJson = decode(server, 'minilm-json').outputs['last_hidden_state']
    expect(asJson).toMatchObject({ dtype: 'float32', shape: [1, 4, 384] })
    expect(asJson?.data).toHaveLength(1536)
    if (server !== 'mlserver') expect(decode(server, 'minilm-bin').outputs['last_hidden_state']).toEqual(asJson)
  })

  it('describes its models', () => {
    expect(decodeModelMetadata(answerOf(server, 'model-meta').body)).toMatchObject({
      name: 'lin',
      versions: server === 'triton' ? ['1'] : [],
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 3] }],
    })
    expect(decodeModelMetadata(answerOf(server, 'model-meta-ident').body).inputs).toHaveLength(6)
  })

  it('is ready, and is not for a model that it does not have', async () => {
    await expect((await clientOf(server, 'server-ready')).ready(signal)).resolves.toBe(true)
    await expect((await clientOf(server, 'model-ready')).modelReady('lin', signal)).resolves.toBe(true)
    await expect((await clientOf(server, 'model-ready-unknown')).modelReady('nope', signal)).resolves.toBe(false)
  })
})

describe.each(['triton', 'kserve'])('%s, which speaks binary', (server) => {
  it.each(['bin-in-bin-all', 'bin-in-bin-out', 'json-in-bin-out'])('answers in bytes (%s)', async (name) => {
    const client = await clientOf(server, name, true)
    const { y } = await client.infer('lin', x, { signal })
    expect(y).toEqual({ dtype: 'float32', shape: [1, 3], data: Float32Array.of(5.5, 5.5, 9) })
  })

  it.each([true, false])('answers every datatype in bytes (header visible: %s)', (isVisible) => {
    const { headers, body } = answerOf(server, 'ident-bin')
    const header = Number(headers.get('Inference-Header-Content-Length'))
    expect(decodeInferResponse(body, isVisible ? header : undefined).outputs).toEqual({
      s_out: { dtype: 'string', shape: [2], data: ['a', 'é'] },
      f16_out: { dtype: 'float16', shape: [2], data: Uint16Array.of(0x3e00, 0x4000) },
      i64_out: { dtype: 'int64', shape: [2], data: BigInt64Array.of(2n ** 60n + 1n, 2n) },
      u8_out: { dtype: 'uint8', shape: [2], data: Uint8Array.of(1, 255) },
      b_out: { dtype: 'bool', shape: [2], data: Uint8Array.of(1, 0) },
      f64_out: { dtype: 'float64', shape: [2], data: Float64Array.of(1.1, 2) },
    })
  })
})

it('reads the bare NaN of Triton and the null of KServe as NaN', () => {
  expect(decode('triton', 'infer-nan').outputs['y']?.data).toEqual(Float32Array.of(NaN, NaN, NaN))
  expect(decode('kserve', 'infer-nan').outputs['y']?.data).toEqual(Float32Array.of(NaN, NaN, NaN))
})

it("takes MLServer's [2,1] for [2], with FP16 and integers above 2^53 in JSON", () => {
  const { s_out, f16_out, i64_out } = decode('mlserver', 'ident-json').outputs
  expect(s_out).toEqual({ dtype: 'string', shape: [2, 1], data: ['a', 'é\u0000'] })
  expect(f16_out).toEqual({ dtype: 'float16', shape: [2, 1], data: Uint16Array.of(0x3e00, 0x4000) })
  expect(i64_out).toEqual({ dtype: 'int64', shape: [2, 1], data: BigInt64Array.of(2n ** 60n + 1n, 2n) })
})

describe('failures', () => {
  it.each([
    ['triton', 'err-unknown-model', 'REMOTE_NOT_FOUND', "answered 404: Request for unknown model: 'nope' is not found"],
    ['triton', 'err-shape-data-mismatch', 'REMOTE_FAILED', "answered 500: Unable to parse 'data': Shape does not"],
    ['triton', 'err-malformed-json', 'REMOTE_FAILED', 'answered 500: failed to parse the request JSON buffer'],
    ['triton', 'err-wrong-dtype', 'REMOTE_REJECTED', "data-type is 'INT64', but model 'lin' expects 'FP32'"],
    ['triton', 'ident-json', 'REMOTE_REJECTED', 'receiving FP16 data via JSON is not supported'],
    ['triton', 'err-unknown-route', 'REMOTE_NOT_FOUND', 'answered 404: Not Found'],
    ['kserve', 'err-unknown-model', 'REMOTE_NOT_FOUND', 'Model with name nope does not exist.'],
    ['kserve', 'err-shape-data-mismatch', 'REMOTE_FAILED', 'cannot reshape array of size 4'],
    ['kserve', 'err-malformed-json', 'REMOTE_REJECTED', 'answered 422: body.11: JSON decode error'],
    ['kserve', 'err-unknown-route', 'REMOTE_NOT_FOUND', 'answered 404: Not Found'],
    ['mlserver', 'err-unknown-model', 'REMOTE_NOT_FOUND', 'Model nope not found'],
    ['mlserver', 'err-shape-data-mismatch', 'REMOTE_FAILED', 'answered 500: Internal Server Error'],
    [
      'mlserver',
      'err-missing-fields',
      'REMOTE_REJECTED',
      'body.inputs.0.shape: Field required; body.inputs.0.datatype',
    ],
    ['mlserver', 'infer-nan', 'REMOTE_REJECTED', 'answered 422: body.63: JSON decode error'],
  ])('%s %s is %s', async (server, name, code, message) => {
    const client = await clientOf(server, name)
    const status = Number(answerOf(server, name).startLine.split(' ')[1])
    await expect(client.infer('lin', x, { signal })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
      details: { status, url: expect.stringMatching(/^http:.*\/v2\/models\/lin\/infer$/) as string },
    })
  })

  it("says REMOTE_NOT_FOUND for a model's metadata that is not there", async () => {
    const client = await clientOf('triton', 'err-unknown-model')
    await expect(client.metadata('nope', signal)).rejects.toMatchObject({ code: 'REMOTE_NOT_FOUND' })
  })
})

describe('a server that refuses bytes', () => {
  const asMlserver = async (requests: string[]): Promise<OipClient> => {
    const url = await replay(({ headers }) => {
      const isBinary = headers.get('Content-Type') === 'application/octet-stream'
      requests.push(isBinary ? 'binary' : 'json')
      return readFixture(`mlserver/${isBinary ? 'bin-in-bin-all' : 'infer-flat'}.resp.http`)
    })
    return new OipClient({ protocol: 'oip', url })
  }

  it('is asked once in bytes, and in JSON ever after', async () => {
    const requests: string[] = []
    const client = await asMlserver(requests)
    const first = await client.infer('lin', x, { signal })
    expect(first['y']?.data).toEqual(Float32Array.of(5.5, 5.5, 9))
    await expect(client.infer('lin', x, { signal })).resolves.toEqual(first)
    expect(requests).toEqual(['binary', 'json', 'json'])
  })

  it.each(['mlserver/bin-err-noheader', 'mlserver/err-missing-fields', 'kserve/bin-err-noheader'])(
    'is recognised by %s',
    async (refusal) => {
      const url = await replay(({ headers }) => {
        const isBinary = headers.has('Inference-Header-Content-Length')
        return readFixture(isBinary ? `${refusal}.resp.http` : 'mlserver/infer-flat.resp.http')
      })
      const client = new OipClient({ protocol: 'oip', url })
      expect(Object.keys(await client.infer('lin', x, { signal }))).toEqual(['y'])
    },
  )

  it('is recognised by a connection that breaks, which is all that a page sees without CORS headers', async () => {
    const url = await replay(({ headers }) =>
      headers.has('Inference-Header-Content-Length') ? Buffer.alloc(0) : readFixture('mlserver/infer-flat.resp.http'),
    )
    const client = new OipClient({ protocol: 'oip', url })
    expect(Object.keys(await client.infer('lin', x, { signal }))).toEqual(['y'])
  })

  it('does not become JSON-only by a request that it refuses in JSON too', async () => {
    const requests: string[] = []
    const url = await replay(({ headers }) => {
      requests.push(headers.has('Inference-Header-Content-Length') ? 'binary' : 'json')
      return readFixture('triton/err-wrong-dtype.resp.http')
    })
    const client = new OipClient({ protocol: 'oip', url })
    await expect(client.infer('lin', x, { signal })).rejects.toMatchObject({ code: 'REMOTE_REJECTED' })
    await expect(client.infer('lin', x, { signal })).rejects.toMatchObject({ code: 'REMOTE_REJECTED' })
    expect(requests).toEqual(['binary', 'json', 'binary', 'json'])
  })

  it('keeps the first word of a server that never takes FP16 in JSON', async () => {
    const url = await replay(({ headers }) =>
      readFixture(
        headers.has('Inference-Header-Content-Length')
          ? 'triton/err-wrong-dtype.resp.http'
          : 'triton/ident-json.resp.http',
      ),
    )
    const client = new OipClient({ protocol: 'oip', url })
    const half: TensorMap = { x: { dtype: 'float16', shape: [1], data: Uint16Array.of(0x3c00) } }
    await expect(client.infer('lin', half, { signal })).rejects.toThrow("expects 'FP32'")
  })

  it('is not suspected once it took bytes', async () => {
    const requests: string[] = []
    const url = await replay(({ headers }) => {
      requests.push(headers.has('Inference-Header-Content-Length') ? 'binary' : 'json')
      return readFixture(`triton/${requests.length === 1 ? 'bin-in-bin-all' : 'err-wrong-dtype'}.resp.http`)
    })
    const client = new OipClient({ protocol: 'oip', url })
    await client.infer('lin', x, { signal })
    await expect(client.infer('lin', x, { signal })).rejects.toMatchObject({ code: 'REMOTE_REJECTED' })
    expect(requests).toEqual(['binary', 'binary'])
  })
})
