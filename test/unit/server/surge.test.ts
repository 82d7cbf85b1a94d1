/** Ten times more requests than there is room for: who is let in is answered soon, the others hear at once where to go. */
import { expect, it } from 'vitest'
import { slowRequest, startServer } from './support/start-server.js'

const ask = { 'endpoint-load-metrics-format': 'json' }

interface Answer {
  readonly response: Response
  /** From its sending, in milliseconds. */
  readonly ms: number
  /** Which one of the answers it was, from 0. */
  readonly order: number
}

/** Forty requests at once, at an endpoint that has its session open already. */
async function surge(maxQueuedRequests: number): Promise<Answer[]> {
  const { post } = await startServer({ maxQueuedRequests })
  await (await post('/v2/models/slow/infer', slowRequest(4))).text()
  let answered = 0
  return Promise.all(
    Array.from({ length: 40 }, async () => {
      const sentAt = performance.now()
      const response = await post('/v2/models/slow/infer', slowRequest(600), ask)
      return { response, ms: performance.now() - sentAt, order: answered++ }
    }),
  )
}

const withStatus = (answers: readonly Answer[], status: number) =>
  answers.filter(({ response }) => response.status === status)
const slowest = (answers: readonly Answer[]) => Math.max(...answers.map(({ ms }) => ms))

function loadOf({ response }: Answer): { application_utilization: number; named_metrics: Record<string, number> } {
  const header = response.headers.get('endpoint-load-metrics') ?? ''
  return JSON.parse(header.slice('JSON '.length)) as ReturnType<typeof loadOf>
}

it('a surge at ten times the room: bounded waiting for those let in, a clean refusal for all others', async () => {
  const answers = await surge(3)
  const admitted = withStatus(answers, 200)
  const refused = withStatus(answers, 503)

  expect(admitted.length + refused.length).toBe(40)
  expect(admitted.length).toBeGreaterThanOrEqual(4)
  expect(refused.length).toBeGreaterThanOrEqual(20)
  for (const answer of refused) {
    expect(answer.response.headers.get('Retry-After')).toBe('1')
    expect(answer.response.headers.get('Access-Control-Expose-Headers')).toContain('Retry-After')
    expect(loadOf(answer).application_utilization).toBe(1)
    expect(await answer.response.json()).toEqual({ error: expect.stringContaining('is full') })
  }
  for (const answer of admitted) expect(loadOf(answer).named_metrics['queue_length']).toBeLessThanOrEqual(3)
  // A refusal waits for no run: the last ones answered were let in.
  expect(Math.max(...refused.map(({ order }) => order))).toBeLessThan(39)

  const all = await surge(64)
  expect(withStatus(all, 200)).toHaveLength(40)
  // They wait for four runs, and not for forty.
  expect(slowest(admitted)).toBeLessThan(slowest(all) / 2)
})
