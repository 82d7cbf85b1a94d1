/** The endpoint's load as a page of another origin sees it: asked for through a preflight, and readable. */
import { expect, inject, test } from 'vitest'

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
