/** SIGTERM under load: nothing that was sent is lost, and the process ends well. */
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished, vi } from 'vitest'
import { copyModels, startEndpoint, type Endpoint } from './support/endpoint.js'
import { infer, Reference, rowOf, send, tokensOf, type Answer } from './support/requests.js'

const row = rowOf(1, 2, 3, 4)
const tokens = tokensOf(...Array.from({ length: 200 }, (_, index) => 1000 + index))

type Outcome = Answer | 'refused before it was sent' | { readonly lost: string }

/** Errors of a client that could not connect at all: its request has not been sent, and may be sent elsewhere. */
const notConnected = new Set(['ECONNREFUSED'])

function describeFailure(error: unknown): Outcome {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return notConnected.has(code) ? 'refused before it was sent' : { lost: String(error) }
}

/** Asks over and over on a connection that it keeps, until the endpoint is gone. */
async function askUntilGone({ url }: Endpoint, model: string): Promise<Outcome[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  const outcomes: Outcome[] = []
  for (;;) {
    const outcome = await infer(url, model, model === 'tiny-mlp' ? row : tokens, agent).catch(describeFailure)
    outcomes.push(outcome)
    if (typeof outcome === 'string' || 'lost' in outcome) return outcomes
    // It comes back later, as it was told to.
    if (outcome.status === 503) await sleep(Number(outcome.headers['retry-after']) * 1000)
  }
}

it('every request that was sent is answered, ready says no meanwhile, and the exit code is 0', async () => {
  const models = ['tiny-mlp', 'all-minilm-l6-v2'] as const
  const endpoint = await startEndpoint(await copyModels(...models), ['--shutdown-time-limit-ms', '60000'])
  for (const model of models) await infer(endpoint.url, model, model === 'tiny-mlp' ? row : tokens)
  const clients = Array.from({ length: 16 }, (_, index) => askUntilGone(endpoint, models[index % 2] ?? 'tiny-mlp'))
  const ready = () => send({ url: `${endpoint.url}/v2/health/ready`, method: 'GET' })
  await vi.waitUntil(async () => (await ready()).status === 200)

  endpoint.kill('SIGTERM')

  await vi.waitUntil(async () => (await ready()).status === 503)
  const outcomes = (await Promise.all(clients)).flat()
  expect(await endpoint.ended).toBe(0)
  expect(outcomes.filter((outcome) => typeof outcome === 'object' && 'lost' in outcome)).toEqual([])
  const answers = outcomes.filter((outcome): outcome is Answer => typeof outcome === 'object' && 'status' in outcome)
  expect([...new Set(answers.map(({ status }) => status))].filter((status) => status !== 503)).toEqual([200])
  const reference = await Reference.open('tiny-mlp')
  const good = answers.filter(({ status, body }) => status === 200 && body.length < 1000)
  for (const answer of good.slice(-50)) await reference.expectSame(row, answer)
})

it('requests that wait in the queue are answered, too', async () => {
  const endpoint = await startEndpoint(await copyModels('all-minilm-l6-v2'), ['--shutdown-time-limit-ms', '60000'])
  const reference = await Reference.open('all-minilm-l6-v2')
  const waiting = Array.from({ length: 20 }, () => infer(endpoint.url, 'all-minilm-l6-v2', tokens))
  const queued = async () => {
    const { body } = await send({ url: `${endpoint.url}/metrics`, method: 'GET' })
    return Number(/edgeward_queue_length\{model="all-minilm-l6-v2"\} (\d+)/.exec(body.toString())?.[1])
  }
  await vi.waitUntil(async () => (await queued()) >= 10)

  endpoint.kill('SIGTERM')

  for (const answer of await Promise.all(waiting)) await reference.expectSame(tokens, answer)
  expect(await endpoint.ended).toBe(0)
})

it('a second SIGTERM ends it at once', async () => {
  const endpoint = await startEndpoint(await copyModels('tiny-mlp'), ['--shutdown-grace-ms', '10000'])
  endpoint.kill('SIGTERM')
  const ready = () => send({ url: `${endpoint.url}/v2/health/ready`, method: 'GET' })
  await vi.waitUntil(async () => (await ready()).status === 503)
  endpoint.kill('SIGTERM')
  expect(await endpoint.ended).toBe('SIGTERM')
})
