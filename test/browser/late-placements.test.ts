/** Deadlines, hedges and several endpoints, whole: the real worker and real endpoints that are slow, silent or down. */
import { beforeEach, expect, test, vi } from 'vitest'
import type { Client, Trace } from 'edgeward'
import { testClient, tinyInput } from './support/clients.js'
import { watchedEndpoint } from './support/watched-endpoint-client.js'
import { capturedWorkers } from './support/workers.js'

const miniLm = 'all-minilm-l6-v2'
const many = Array.from({ length: 256 }, (_, index) => `Sentence number ${index} is about nothing much, and long.`)

beforeEach(() => {
  // The machine that the tests run on may be busy, which would keep hedges back.
  vi.stubGlobal('PressureObserver', undefined)
  return () => void vi.unstubAllGlobals()
})

function tracesOf(edge: Client): Trace[] {
  const traces: Trace[] = []
  edge.on('request', (trace) => traces.push(trace))
  return traces
}

const attemptsIn = ({ spans }: Trace) => spans.filter(({ name }) => name === 'attempt')

test('one deadline spans a device that dies late and an endpoint that never answers; what is left of it travels', async () => {
  const { remote, endpoint, behave, inferences } = watchedEndpoint()
  await behave({ isSilent: true })
  const { workers, restore } = capturedWorkers()
  const edge = testClient({ remote, hedgeShare: 0 })
  await edge.prepare('tiny-mlp')
  await edge.prepare(miniLm)
  restore()
  const traces = tracesOf(edge)
  const long = edge.pipeline('feature-extraction', miniLm)(many, { policy: { residency: 'local-only' } })
  const [deadlineMs, livesMs] = [3_000, 500]
  setTimeout(() => workers[0]?.terminate(), livesMs)
  const late = edge.run('tiny-mlp', tinyInput(), { policy: { deadlineMs } })
  await expect(late).rejects.toMatchObject({
    code: 'DEADLINE_EXCEEDED',
    details: { deadlineMs, attempts: [{ code: 'WORKER_DIED' }, { code: 'DEADLINE_EXCEEDED' }] },
  })
  // It may go nowhere else: the device answers it after all, once more and in a fresh worker.
  expect(await long).toMatchObject({ placement: { engine: 'device' }, attempts: [{ code: 'WORKER_DIED' }] })
  const trace = traces.find(({ model }) => model === 'tiny-mlp')!
  expect(trace).toMatchObject({ outcome: 'DEADLINE_EXCEEDED' })
  expect(attemptsIn(trace)).toMatchObject([
    { placement: { engine: 'device' }, outcome: 'WORKER_DIED' },
    { placement: { engine: 'remote', endpoint }, outcome: 'DEADLINE_EXCEEDED' },
  ])
  await vi.waitFor(async () => expect(await inferences()).toMatchObject([{ isAbandoned: true }]))
  const [asked] = await inferences()
  expect(asked?.timeoutMs).toBeGreaterThan(0)
  expect(asked?.timeoutMs).toBeLessThan(deadlineMs - livesMs / 2)
})

test('a device that is late is overtaken by the endpoint, and the trace says so', async () => {
  const { remote, endpoint } = watchedEndpoint()
  const edge = testClient({ remote, hedgeShare: 1 })
  const traces = tracesOf(edge)
  await edge.prepare('tiny-mlp')
  await edge.prepare(miniLm)
  // Enough for the device's own times to be known.
  for (let round = 0; round < 8; round += 1) await edge.run('tiny-mlp', tinyInput())
  await edge.explain('tiny-mlp') // Runs are taken in a moment later, or when somebody asks what is known.
  const embed = edge.pipeline('feature-extraction', miniLm)
  const long = embed(many, { policy: { residency: 'local-only' } })
  const { placement, attempts } = await edge.run('tiny-mlp', tinyInput())
  expect(placement).toEqual({ engine: 'remote', endpoint })
  expect(attempts).toEqual([])
  const trace = traces.at(-1)!
  expect(attemptsIn(trace)).toMatchObject([
    { placement: { engine: 'device' }, outcome: 'cancelled' },
    { placement: { engine: 'remote', endpoint }, outcome: 'answered', isHedge: true },
  ])
  expect(trace.notes.map(({ what }) => what)).toEqual(['hedge'])
  await long
})

test('of two endpoints, the faster one is asked first once both are known', async () => {
  const [slow, fast] = [watchedEndpoint(), watchedEndpoint()]
  await slow.behave({ delayMs: 1_500 })
  const edge = testClient({ remote: [slow.remote, fast.remote], device: false, hedgeShare: 0 })
  const askedAt: string[] = []
  for (let round = 0; round < 6; round += 1) {
    const { placement } = await edge.run('tiny-mlp', tinyInput())
    if (placement.engine === 'remote') askedAt.push(placement.endpoint)
  }
  expect(askedAt[0]).toBe(slow.endpoint)
  expect(askedAt.slice(-3)).toEqual([fast.endpoint, fast.endpoint, fast.endpoint])
  const { placements } = await edge.explain('tiny-mlp')
  expect(placements.map(({ placement }) => placement)).toEqual([
    { engine: 'remote', endpoint: fast.endpoint },
    { engine: 'remote', endpoint: slow.endpoint },
  ])
})

test('an endpoint that is down costs one attempt, then rests while the other one answers', async () => {
  const [down, up] = [watchedEndpoint(), watchedEndpoint()]
  await down.behave({ status: 503 })
  const edge = testClient({ remote: [down.remote, up.remote], device: false, hedgeShare: 0 })
  const first = await edge.run('tiny-mlp', tinyInput())
  expect(first.attempts.map(({ placement, code }) => [placement, code])).toEqual([
    [{ engine: 'remote', endpoint: down.endpoint }, 'REMOTE_OVERLOADED'],
  ])
  const { placements, shifts } = await edge.explain('tiny-mlp')
  expect(placements.map(({ placement }) => placement)).toEqual([
    { engine: 'remote', endpoint: up.endpoint },
    { engine: 'remote', endpoint: down.endpoint },
  ])
  expect([...shifts, ...placements.map(({ reason }) => reason)].join()).toContain('rests')
  const { attempts, placement } = await edge.run('tiny-mlp', tinyInput())
  expect(attempts).toEqual([])
  expect(placement).toEqual({ engine: 'remote', endpoint: up.endpoint })
})
