/** Ten times more requests than the endpoint can answer: bounded waiting for those let in, 503 for the rest. */
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { copyModels, startEndpoint } from './support/endpoint.js'
import { expectError, infer, Reference, tokensOf, type Answer } from './support/requests.js'

const model = 'all-minilm-l6-v2'
/** Long enough that the endpoint, and not this client, is what limits. */
const tokens = tokensOf(...Array.from({ length: 256 }, (_, index) => 1000 + index))
const queueLimit = 8

interface Timed {
  readonly answer: Answer
  readonly ms: number
}

it('at ten times its capacity, who is let in waits no longer than the queue is, all others hear 503', async () => {
  const { url } = await startEndpoint(await copyModels(model), ['--max-queued-requests', String(queueLimit)])
  const reference = await Reference.open(model)
  const agent = new Agent({ keepAlive: true })
  onTestFinished(() => agent.destroy())
  const ask = async (): Promise<Timed> => {
    const start = performance.now()
    const answer = await infer(url, model, tokens, agent)
    return { answer, ms: performance.now() - start }
  }
  await reference.expectSame(tokens, (await ask()).answer)
  const alone: number[] = []
  for (let run = 0; run < 10; run += 1) alone.push((await ask()).ms)
  const serviceMs = alone.reduce((sum, ms) => sum + ms, 0) / alone.length

  const offered: Promise<Timed>[] = []
  const perRequest = serviceMs / 10
  const end = performance.now() + 3000
  const start = performance.now()
  while (performance.now() < end) {
    // An open loop: sent by the clock, whether the ones before have been answered or not.
    while (offered.length * perRequest < performance.now() - start) offered.push(ask())
    await sleep(5)
  }
  const all = await Promise.all(offered)

  const admitted = all.filter(({ answer }) => answer.status === 200)
  const refused = all.filter(({ answer }) => answer.status === 503)
  expect(admitted.length + refused.length).toBe(all.length)
  expect(refused.length).toBeGreaterThan(all.length / 2)
  expect(admitted.length).toBeGreaterThan(queueLimit)
  for (const { answer } of refused) {
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect(expectError(answer, 503)).toContain('is full')
  }
  for (const { answer } of admitted) await reference.expectSame(tokens, answer)
  // The queue, the one that runs and its own; thrice, since this client takes processors from the runs.
  const slowest = Math.max(...admitted.map(({ ms }) => ms))
  expect(slowest).toBeLessThan(3 * (queueLimit + 2) * Math.max(...alone))
  await reference.expectSame(tokens, (await ask()).answer)
})
