/** The reference endpoint with the real models, against ONNX Runtime asked directly. */
import { join } from 'node:path'
import type { TensorMap } from 'edgeward'
import { decodeInferResponse, encodeInferRequest } from 'edgeward/oip'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { preparedModels, startPrepared } from './support/prepared-models.js'

function sentence(ids: readonly bigint[]): TensorMap {
  const row = (value: (id: bigint) => bigint) => ({
    dtype: 'int64' as const,
    shape: [1, ids.length],
    data: BigInt64Array.from(ids, value),
  })
  return { input_ids: row((id) => id), attention_mask: row(() => 1n), token_type_ids: row(() => 0n) }
}

async function ask(url: string, inputs: TensorMap): Promise<Float32Array> {
  const { body, headers } = encodeInferRequest({ inputs }, { binary: true })
  const response = await fetch(`${url}/v2/models/all-minilm-l6-v2/infer`, { method: 'POST', body, headers })
  expect(response.status).toBe(200)
  const jsonBytes = Number(response.headers.get('Inference-Header-Content-Length'))
  const { outputs } = decodeInferResponse(new Uint8Array(await response.arrayBuffer()), jsonBytes)
  return outputs['last_hidden_state']?.data as Float32Array
}

describe('the endpoint with real models', () => {
  it('gives many requests at once the numbers that ONNX Runtime gives one by one', async () => {
    const url = await startPrepared({ maxConcurrentRuns: 2, threadsPerRun: 1 })
    const session = await InferenceSession.create(join(preparedModels, 'all-minilm-l6-v2', 'model_q8.onnx'), {
      intraOpNumThreads: 1,
    })
    // [CLS], some words, [SEP]: different words and lengths.
    const sentences = Array.from({ length: 16 }, (_, index) =>
      sentence([101n, ...Array.from({ length: 1 + (index % 5) }, (_, at) => BigInt(2000 + 37 * index + at)), 102n]),
    )

    const answers = await Promise.all(sentences.map((inputs) => ask(url, inputs)))

    for (const [index, inputs] of sentences.entries()) {
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([name, { dtype, data, shape }]) => [name, new Tensor(dtype, data, shape)]),
      )
      const { last_hidden_state: expected } = await session.run(feeds)
      expect(largestDifference(answers[index]!, expected?.data as Float32Array)).toBeLessThan(1e-4)
    }
    await session.release()
  })

  it('serves the three graphs of pp-ocrv4 as three models', async () => {
    const url = await startPrepared()
    const metadata = async (model: string) => (await fetch(`${url}/v2/models/${model}`)).json() as Promise<unknown>
    expect(await metadata('pp-ocrv4.detection')).toMatchObject({ inputs: [{ name: 'x', shape: [-1, 3, -1, -1] }] })
    expect(await metadata('pp-ocrv4.recognition')).toMatchObject({ outputs: [{ shape: [-1, -1, 6625] }] })
    expect((await fetch(`${url}/v2/models/pp-ocrv4`)).status).toBe(404)
  })
})

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a).toHaveLength(b.length)
  return a.reduce((largest, value, index) => Math.max(largest, Math.abs(value - b[index]!)), 0)
}
