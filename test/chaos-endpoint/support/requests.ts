/** Good requests for the real models, and how to tell that an answer is right. */
import { readFileSync } from 'node:fs'
import { request, type Agent, type IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TensorMap } from 'edgeward'
import { decodeInferResponse, encodeInferRequest, type EncodedMessage } from 'edgeward/oip'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { expect } from 'vitest'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Call {
  readonly url: string
  readonly body?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly agent?: Agent
  readonly method?: string
}

/** Sends one request with Node's client, which says exactly what went wrong, and reads the whole answer. */
export function send({ url, body, headers = {}, agent, method = 'POST' }: Call): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { method, headers: headers as Record<string, string | string[]>, ...(agent ? { agent } : {}) }
    const sent = request(url, options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

export const inferUrl = (url: string, model: string) => `${url}/v2/models/${model}/infer`

/** One row for `tiny-mlp`. */
export const rowOf = (...x: readonly number[]): TensorMap => ({
  x: { dtype: 'float32', shape: [x.length / 4, 4], data: Float32Array.from(x) },
})

/** Token ids for `all-minilm-l6-v2`. */
export function tokensOf(...ids: readonly number[]): TensorMap {
  const tensor = (values: readonly number[]) => ({
    dtype: 'int64' as const,
    shape: [1, values.length],
    data: BigInt64Array.from(values.map(BigInt)),
  })
  return {
    input_ids: tensor(ids),
    attention_mask: tensor(ids.map(() => 1)),
    token_type_ids: tensor(ids.map(() => 0)),
  }
}

export const encode = (inputs: TensorMap, binary: boolean): EncodedMessage => encodeInferRequest({ inputs }, { binary })

/** Asks for one inference. */
export function infer(url: string, model: string, inputs: TensorMap, agent?: Agent): Promise<Answer> {
  const { body, headers } = encode(inputs, true)
  return send({ url: inferUrl(url, model), body, headers, ...(agent ? { agent } : {}) })
}

/** A 4xx or 5xx in the protocol's shape, and nothing besides. */
export function expectError({ status, headers, body }: Answer, wanted: number | readonly number[]): string {
  expect([wanted].flat(), `answered ${status}: ${body.toString().slice(0, 300)}`).toContain(status)
  expect(headers['content-type']).toMatch(/^application\/json/)
  const message = JSON.parse(body.toString()) as { error: string }
  expect(Object.keys(message)).toEqual(['error'])
  expect(message.error).toMatch(/\S/)
  expect(message.error.length).toBeLessThanOrEqual(1001)
  return message.error
}

const modelFiles: Readonly<Record<string, string>> = {
  'tiny-mlp': 'tiny-mlp/model.onnx',
  'all-minilm-l6-v2': 'all-minilm-l6-v2/model_q8.onnx',
}

/** The same model in a session of the test's own. */
export class Reference {
  readonly #session: InferenceSession

  private constructor(session: InferenceSession) {
    this.#session = session
  }

  static async open(model: string): Promise<Reference> {
    const file = join(fileURLToPath(new URL('../../../.models', import.meta.url)), modelFiles[model] ?? model)
    return new Reference(await InferenceSession.create(readFileSync(file), { logSeverityLevel: 4 }))
  }

  /** Every output of the answer is what the session gives for the same inputs. */
  async expectSame(inputs: TensorMap, answer: Answer): Promise<void> {
    expect(answer.status, answer.body.toString('utf8', 0, 300)).toBe(200)
    const feeds = Object.entries(inputs).map(([name, { dtype, data, shape }]) => [
      name,
      new OrtTensor(dtype, data, shape),
    ])
    const wanted = await this.#session.run(Object.fromEntries(feeds) as Record<string, OrtTensor>)
    const { outputs } = readAnswer(answer)
    expect(Object.keys(outputs).length).toBeGreaterThan(0)
    for (const [name, output] of Object.entries(outputs)) {
      const expected = wanted[name]
      expect(expected, name).toBeDefined()
      expect(output.shape).toEqual(expected?.dims)
      expectClose(output.data as Float32Array, expected?.data as Float32Array)
    }
  }
}

export function readAnswer({ headers, body }: Answer) {
  const jsonBytes = headers['inference-header-content-length']
  return decodeInferResponse(body, jsonBytes === undefined ? body.length : Number(jsonBytes))
}

/** The number of threads may change the order of additions; NaN and infinities travel as null in JSON. */
function expectClose(found: Float32Array, wanted: Float32Array): void {
  expect(found.length).toBe(wanted.length)
  const differs = found.findIndex((value, index) => {
    const other = wanted[index] ?? NaN
    return !Object.is(value, other) && !(Math.abs(value - other) <= 1e-3 + 1e-3 * Math.abs(other))
  })
  expect([differs, found[differs], wanted[differs]]).toEqual([-1, undefined, undefined])
}
