/** The endpoint's load as a page of another origin sees it: asked for through a preflight, and readable. */
import { describe, expect, inject, test } from 'vitest'
import type { Processor, TensorMap } from '../../packages/sdk/src/contract/index.js'
import { createOipEngine, type ReportedLoad } from '../../packages/sdk/src/remote/index.js'
import { testClient, tinyInput } from './support/clients.js'
import { watchedEndpoint } from './support/watched-endpoint-client.js'

test('a page asks for the load with its request and reads it from the answer, and from a refusal', async () => {
  const endpoint = inject('endpoint')
  expect(new URL(endpoint).origin).not.toBe(location.origin)
  const infer = (body: unknown) =>
    fetch(`${endpoint}/v2/models/tiny-mlp/infer`, {
      method: 'POST',
      headers: { 'endpoint-load-metrics-format': 'json' },
      body: JSON.stringify(body),
    })
  const input = { name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }

  for (const [body, status] of [
    [{ inputs: [input] }, 200],
    [{ inputs: [] }, 400],
  ] as const) {
    const answer = await infer(body)
    expect(answer.status).toBe(status)
    const header = answer.headers.get('endpoint-load-metrics')
    expect(header).toMatch(/^JSON \{/)
    expect(JSON.parse(header?.slice('JSON '.length) ?? '')).toMatchObject({
      application_utilization: expect.any(Number),
      named_metrics: { queue_length: expect.any(Number), run_seconds: expect.any(Number) },
    })
  }
})

describe('an engine in a page', () => {
  const noProcessor: Processor = { run: () => Promise.reject(new Error('not to be asked')) }
  const x: TensorMap = { x: { dtype: 'float32', shape: [1, 4], data: Float32Array.of(1, 2, 3, 4) } }

  /** Asks for inferences, one after the other; what the page was told of the load. */
  async function infer(url: string, model: string, times: number): Promise<ReportedLoad[]> {
    const loads: ReportedLoad[] = []
    const engine = createOipEngine({ protocol: 'oip', url }, noProcessor, (_endpoint, load) => void loads.push(load))
    for (let count = 0; count < times; count += 1) {
      const request = { model, task: 'tensors', input: x, options: {} } as const
      await engine.run(engine.placement, request, new AbortController().signal)
    }
    await engine.dispose()
    return loads
  }

  test('hears of the load of the real endpoint with each answer', async () => {
    const loads = await infer(inject('endpoint'), 'tiny-mlp', 2)
    expect(loads).toMatchObject([{ utilization: 0 }, { utilization: 0, expectedWaitMs: 0 }])
  })

  test.each([
    [
      'allows all of them',
      'content-type,inference-header-content-length,endpoint-load-metrics-format',
      ['bytes and load', 'bytes and load', 'bytes and load'],
    ],
    [
      'does not know the header for the load',
      'content-type,inference-header-content-length',
      ['bytes', 'bytes', 'bytes'],
    ],
    [
      'does not know the header for bytes',
      'content-type,endpoint-load-metrics-format',
      ['json', 'json and load', 'json and load'],
    ],
    ['knows neither', 'content-type', ['json', 'json', 'json']],
  ])('is answered by an endpoint whose CORS %s', async (_name, allowed, expected) => {
    const place = `${inject('choosyEndpoint')}/${crypto.randomUUID()}`
    const loads = await infer(`${place}/${allowed}`, 'echo', 3)
    const log = (await (await fetch(`${place}/log`)).json()) as string[]
    expect(log.filter((line) => line !== 'preflight')).toEqual(expected)
    expect(loads).toEqual(
      expected.filter((line) => line.endsWith('load')).map(() => ({ utilization: 0.5, expectedWaitMs: 250 })),
    )
  })
})

test('a page asks only once whether it may ask: the next requests to the same address are one round trip', async () => {
  const { remote, requests } = watchedEndpoint()
  const edge = testClient({ remote, policy: { prefer: 'remote' } })
  for (let count = 0; count < 3; count += 1) await edge.run('tiny-mlp', tinyInput())
  const toInfer = (await requests()).filter(({ path }) => path.endsWith('/infer'))
  expect(toInfer.map(({ method }) => method)).toEqual(['OPTIONS', 'POST', 'POST', 'POST'])
})
