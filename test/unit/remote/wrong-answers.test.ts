/** Every way in which a real server's answer can be wrong ends as an error with its code, and never as a result. */
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type {
  EngineRequest,
  Manifest,
  Processor,
  TensorMap,
  TensorSpec,
} from '../../../packages/sdk/src/contract/index.js'
import { isEdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { encodeInferResponse } from '../../../packages/sdk/src/oip.js'
import { createOipEngine } from '../../../packages/sdk/src/remote/index.js'
import { serve, type Handler } from './http-server.js'

const { signal } = new AbortController()
const noProcessor: Processor = { run: () => Promise.reject(new Error('not to be asked')) }
const right: TensorMap = { y: { dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) } }

const manifestOf = (outputs: readonly TensorSpec[], id = 'm') =>
  ({ id, variants: [{ graphs: { model: { inputs: [], outputs } } }] }) as unknown as Manifest
const stated = manifestOf([{ name: 'y', dtype: 'float32', shape: ['batch', 3] }])

const request = (manifest?: Manifest): EngineRequest<'tensors'> => ({
  model: 'm',
  task: 'tensors',
  input: { x: { dtype: 'int32', shape: [1], data: Int32Array.of(7) } },
  options: {},
  ...(manifest && { manifest, manifestUrl: 'http://localhost/m/manifest.json' }),
})

/** What a request comes to whose manifest says that `y` is `float32 [batch, 3]`. */
async function outcomeOf(handle: Handler, manifest: Manifest = stated): Promise<unknown> {
  const engine = createOipEngine({ protocol: 'oip', url: await serve(handle), timeoutMs: 5_000 }, noProcessor)
  return engine.run(engine.placement, request(manifest), signal).then(
    ({ output }) => output,
    (error: unknown) => {
      if (!isEdgewardError(error)) throw error
      const { reason } = error.details
      return typeof reason === 'string' ? `${error.code}, ${reason}` : error.code
    },
  )
}

const answering =
  (outputs: TensorMap, binary = true, modelName = 'm'): Handler =>
  (_, response) => {
    const message = encodeInferResponse({ modelName, outputs }, { binary: () => binary })
    response.writeHead(200, message.headers).end(message.body)
  }

const sending =
  (body: string | Uint8Array, headers: Record<string, string> = {}, status = 200): Handler =>
  (_, response) =>
    response.writeHead(status, headers).end(body)

/** The bytes of an answer that is right, and where its JSON ends. */
const rightMessage = encodeInferResponse({ modelName: 'm', outputs: right }, { binary: () => true })
const rightBytes = Buffer.from(rightMessage.body)
const jsonBytes = Number(new Headers(rightMessage.headers).get('Inference-Header-Content-Length'))
const rightJson = JSON.stringify({
  model_name: 'm',
  outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }],
})

/** Bytes on the wire as they are, and then the end of the connection. */
const raw =
  (head: string, body: string | Uint8Array = ''): Handler =>
  (_, response) => {
    response.socket?.write(`HTTP/1.1 200 OK\r\nConnection: close\r\n${head}\r\n\r\n`)
    response.socket?.end(body)
  }

it('a right answer is a result, in bytes, in JSON and compressed', async () => {
  expect(await outcomeOf(answering(right))).toEqual(right)
  expect(await outcomeOf(answering(right, false))).toEqual(right)
  expect(await outcomeOf(sending(gzipSync(rightJson), { 'Content-Encoding': 'gzip' }))).toHaveProperty('y')
})

describe('an answer', () => {
  it.each<[string, Handler, string]>([
    ['of HTML', sending('<!doctype html><h1>Sign in</h1>', { 'Content-Type': 'text/html' }), 'REMOTE_MALFORMED'],
    ['of nothing', sending(''), 'REMOTE_MALFORMED'],
    ['that is an error', sending('{"error":"out of memory"}'), 'REMOTE_MALFORMED'],
    ['of 204', sending('', {}, 204), 'REMOTE_MALFORMED'],
    ['for another model', answering(right, true, 'other'), 'REMOTE_MALFORMED'],
    ['in JSON that was cut off', sending(rightJson.slice(0, -9)), 'REMOTE_MALFORMED'],
    ['in bytes that were cut off', sending(rightBytes.subarray(0, -1)), 'REMOTE_MALFORMED'],
    ['with a byte more', sending(Buffer.concat([rightBytes, Buffer.of(0)])), 'REMOTE_MALFORMED'],
    [
      'whose header says too little',
      sending(rightBytes, { 'Inference-Header-Content-Length': String(jsonBytes - 1) }),
      'REMOTE_MALFORMED',
    ],
    [
      'whose header says too much',
      sending(rightBytes, { 'Inference-Header-Content-Length': String(jsonBytes + 1) }),
      'REMOTE_MALFORMED',
    ],
    ['whose header is a lie', sending(rightBytes, { 'Inference-Header-Content-Length': '1e9' }), 'REMOTE_MALFORMED'],
    ['of no gzip', sending('not gzip', { 'Content-Encoding': 'gzip' }), 'REMOTE_UNREACHABLE, network'],
    // Node hands on what it could read of these two; the JSON shows that it is not all.
    [
      'of half a gzip',
      sending(gzipSync(rightJson).subarray(0, 30), { 'Content-Encoding': 'gzip' }),
      'REMOTE_MALFORMED',
    ],
    ['whose last chunk is missing', raw('Transfer-Encoding: chunked', '5\r\n{"mod\r\n'), 'REMOTE_MALFORMED'],
    ['shorter than its Content-Length', raw('Content-Length: 9999', rightJson), 'REMOTE_UNREACHABLE, network'],
    ['longer than its Content-Length', raw('Content-Length: 20', rightJson), 'REMOTE_MALFORMED'],
    ['without any length that was cut off', raw('X: y', rightJson.slice(0, 40)), 'REMOTE_MALFORMED'],
    [
      'reset in the middle',
      (_, response) => response.writeHead(200).write('{"model_name"', () => response.socket?.resetAndDestroy()),
      'REMOTE_UNREACHABLE, network',
    ],
  ])('%s is none', async (_, handle, outcome) => {
    expect(await outcomeOf(handle)).toBe(outcome)
  })

  const float32 = (shape: readonly number[], ...values: number[]) =>
    ({ dtype: 'float32', shape, data: Float32Array.from(values) }) as const

  it.each<[string, TensorMap]>([
    ['without the output', {}],
    ['with an output of another name', { z: float32([1, 3], 1, 2, 3) }],
    ['of another dtype', { y: { dtype: 'float64', shape: [1, 3], data: Float64Array.of(1, 2, 3) } }],
    ['of a lower rank', { y: float32([3], 1, 2, 3) }],
    ['of a higher rank', { y: float32([1, 3, 2], 1, 2, 3, 4, 5, 6) }],
    ['of another fixed dimension', { y: float32([1, 2], 1, 2) }],
  ])('%s than the manifest states is none', async (_, outputs) => {
    expect(await outcomeOf(answering(outputs))).toBe('REMOTE_MALFORMED')
  })

  it('with a 1 behind its dimensions is one, as MLServer answers', async () => {
    const outputs = { y: float32([1, 3, 1], 1, 2, 3) }
    expect(await outcomeOf(answering(outputs))).toEqual(outputs)
  })

  it('is held to no shape that nobody has checked: of models without a manifest, and of graphs that state none', async () => {
    const outputs = { y: float32([2], 1, 2) }
    expect(await outcomeOf(answering(outputs), manifestOf([{ name: 'y', dtype: 'float32', shape: [] }]))).toEqual(
      outputs,
    )
    const url = await serve(answering(outputs, true, 'hf:a/b'))
    const engine = createOipEngine({ protocol: 'oip', url }, noProcessor)
    const hub = manifestOf([{ name: 'y', dtype: 'float32', shape: [9] }], 'hf:a/b')
    const { output } = await engine.run(engine.placement, { ...request(hub), model: 'hf:a/b' }, signal)
    expect(output).toEqual(outputs)
  })

  it('of NaN is NaN where numbers are floats, written as null or bare, and wrong where they are not', async () => {
    const json = (datatype: string, value: string) =>
      sending(
        `{"model_name":"m","outputs":[{"name":"y","datatype":"${datatype}","shape":[1,3],"data":[1,${value},3]}]}`,
      )
    for (const value of ['null', 'NaN']) {
      expect(await outcomeOf(json('FP32', value))).toEqual({ y: float32([1, 3], 1, NaN, 3) })
      const whole = manifestOf([{ name: 'y', dtype: 'int32', shape: ['batch', 3] }])
      expect(await outcomeOf(json('INT32', value), whole)).toBe('REMOTE_MALFORMED')
    }
  })

  it('of a status with a page as its body has the code of its status', async () => {
    const page = (status: number) => sending('<html>502 Bad Gateway</html>', { 'Content-Type': 'text/html' }, status)
    expect(await outcomeOf(page(502))).toBe('REMOTE_FAILED')
    expect(await outcomeOf(page(429))).toBe('REMOTE_OVERLOADED')
    expect(await outcomeOf(page(404))).toBe('REMOTE_NOT_FOUND')
  })

  it('of Seldon Core has the version behind the name of the model', async () => {
    expect(await outcomeOf(answering(right, true, 'm_1'))).toEqual(right)
    expect(await outcomeOf(answering(right, true, 'm_2b'))).toBe('REMOTE_MALFORMED')
  })
})

describe('Retry-After', () => {
  async function retryAfterMs(headers: Record<string, string>): Promise<unknown> {
    const engine = createOipEngine({ protocol: 'oip', url: await serve(sending('', headers, 503)) }, noProcessor)
    const failure: unknown = await engine.run(engine.placement, request(), signal).catch((error: unknown) => error)
    return isEdgewardError(failure) ? failure.details['retryAfterMs'] : failure
  }

  it("as a date counts from the server's own clock", async () => {
    const date = 'Wed, 21 Oct 2015 07:28:00 GMT'
    expect(await retryAfterMs({ Date: date, 'Retry-After': 'Wed, 21 Oct 2015 07:28:30 GMT' })).toBe(30_000)
    expect(await retryAfterMs({ Date: date, 'Retry-After': 'Wed, 21 Oct 2015 07:27:00 GMT' })).toBe(0)
  })

  it('is a day at most', async () => {
    expect(await retryAfterMs({ 'Retry-After': '9'.repeat(400) })).toBe(86_400_000)
    expect(await retryAfterMs({ 'Retry-After': 'Fri, 31 Dec 9999 23:59:59 GMT' })).toBe(86_400_000)
  })

  it.each(['-1', '', 'soon', '1.5'])('that is %j says nothing', async (value) => {
    const ms = await retryAfterMs({ 'Retry-After': value })
    expect(ms === undefined || ms === 0).toBe(true)
  })

  it('that CORS hides is none, and harmless', async () => {
    expect(await retryAfterMs({})).toBeUndefined()
  })
})

describe('readiness', () => {
  const isReady = async (status: number) => {
    const engine = createOipEngine({ protocol: 'oip', url: await serve(sending('', {}, status)) }, noProcessor)
    return engine.isReady()
  }

  it('is what the status says; a server that does not tell may be ready', async () => {
    expect(await Promise.all([200, 401, 403, 404, 405, 501].map(isReady))).toEqual(Array<boolean>(6).fill(true))
    expect(await Promise.all([400, 429, 500, 503].map(isReady))).toEqual(Array<boolean>(4).fill(false))
  })

  it('is asked for by one GET, which ends with the engine', async () => {
    const asked: unknown[] = []
    const url = await serve(({ method, url: path }) => asked.push([method, path]))
    const engine = createOipEngine({ protocol: 'oip', url }, noProcessor)
    const answer = engine.isReady()
    await expect.poll(() => asked).toEqual([['GET', '/v2/health/ready']])
    await engine.dispose()
    await expect(answer).rejects.toMatchObject({ code: 'DISPOSED' })
  })
})
