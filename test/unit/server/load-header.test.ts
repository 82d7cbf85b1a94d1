/** The load that answers tell: who gets it, and that it follows the queue. */
import { describe, expect, it, vi } from 'vitest'
import { metric, mlpRequest, slowRequest, startServer, type StartedServer } from './support/start-server.js'

const ask = { 'endpoint-load-metrics-format': 'json' }
const answerHeader = 'endpoint-load-metrics'

/** Large enough that a run is still going on when the test has asked a few more questions. */
const long = 1800

interface Load {
  readonly application_utilization: number
  readonly mem_utilization: number
  readonly named_metrics: Readonly<Record<string, number>>
}

const inferSlow = ({ post }: StartedServer, size: number) => post('/v2/models/slow/infer', slowRequest(size), ask)
const running = ({ url }: StartedServer) => metric(url, 'edgeward_requests_running', 'model="slow"')
const queued = ({ url }: StartedServer) => metric(url, 'edgeward_queue_length', 'model="slow"')

function loadOf(response: Response): Load {
  const header = response.headers.get(answerHeader)
  expect(header).toMatch(/^JSON \{/)
  return JSON.parse(header?.slice('JSON '.length) ?? '') as Load
}

describe('load report', () => {
  it('rises while the queue fills, is highest on the refusal, and falls when the queue has emptied', async () => {
    const server = await startServer({ maxQueuedRequests: 3 })
    const idle = loadOf(await inferSlow(server, 4))
    const first = inferSlow(server, long)
    await vi.waitUntil(async () => (await running(server)) === 1)
    const waiting = [inferSlow(server, 4), inferSlow(server, 4), inferSlow(server, 4)]
    await vi.waitUntil(async () => (await queued(server)) === 3)

    const refused = await inferSlow(server, 4)
    const afterFirst = loadOf(await first)
    const after = await Promise.all(waiting.map(async (answer) => loadOf(await answer)))

    expect(idle.application_utilization).toBe(0)
    expect(idle.named_metrics).toMatchObject({ queue_length: 0, requests_running: 0, expected_wait_seconds: 0 })
    expect(refused.status).toBe(503)
    expect(loadOf(refused).application_utilization).toBe(1)
    expect(loadOf(refused).named_metrics).toMatchObject({ queue_length: 3, requests_running: 1 })
    // Three wait: a fourth would wait for those and the one that runs.
    const { run_seconds: runSeconds = 0, expected_wait_seconds: wait = 0 } = loadOf(refused).named_metrics
    expect(runSeconds).toBeGreaterThan(0)
    expect(wait / runSeconds).toBeCloseTo(4, 1)
    // The next one has its turn when this is sent: three are left.
    expect(afterFirst.application_utilization).toBe(0.75)
    expect(afterFirst.named_metrics['run_seconds']).toBeGreaterThan(runSeconds)
    expect(after.map((load) => load.application_utilization)).toEqual([0.5, 0.25, 0])
    expect(after[2]?.named_metrics).toMatchObject({ queue_length: 0, requests_running: 0, expected_wait_seconds: 0 })
  })

  it('is told on each answer of an inference that named a model, wrong requests included', async () => {
    const { post } = await startServer({ maxBodyBytes: 1000 })
    const answers = [
      await post('/v2/models/tiny-mlp/infer', mlpRequest([1, 2, 3, 4]), ask),
      await post('/v2/models/tiny-mlp/versions/1/infer', mlpRequest([1, 2, 3, 4]), ask),
      await post('/v2/models/tiny-mlp/infer', '{', ask),
      await post('/v2/models/tiny-mlp/infer', new Uint8Array(2000), ask),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 400, 413])
    for (const answer of answers) expect(loadOf(answer).mem_utilization).toBeGreaterThan(0)
  })

  it('is told when the time limit is over, without a run time while no run has ended', async () => {
    const { post } = await startServer({ requestTimeLimitMs: 100 })
    const late = await post('/v2/models/slow/infer', slowRequest(long), ask)
    expect(late.status).toBe(504)
    expect(loadOf(late).named_metrics).toEqual({ queue_length: 0, requests_running: 1 })
  })

  it('is not told where it is not asked for, in formats that are not known, and to those who may not ask', async () => {
    const { url, post } = await startServer({ keys: ['secret'] })
    const key = { Authorization: 'Bearer secret' }
    const answers = [
      await post('/v2/models/tiny-mlp/infer', mlpRequest([1, 2, 3, 4]), key),
      await post('/v2/models/tiny-mlp/infer', mlpRequest([1, 2, 3, 4]), {
        ...key,
        ...ask,
        'endpoint-load-metrics-format': 'bin',
      }),
      await post('/v2/models/tiny-mlp/infer', mlpRequest([1, 2, 3, 4]), ask),
      await post('/v2/models/nope/infer', mlpRequest([1, 2, 3, 4]), { ...key, ...ask }),
      await fetch(`${url}/v2/models/tiny-mlp`, { headers: { ...key, ...ask } }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 401, 404, 200])
    expect(answers.map(({ headers }) => headers.get(answerHeader))).toEqual([null, null, null, null, null])
  })

  it('as text has the names that Triton documents', async () => {
    const { post } = await startServer()
    const { headers } = await post('/v2/models/tiny-mlp/infer', mlpRequest([1, 2, 3, 4]), {
      'Endpoint-Load-Metrics-Format': 'text',
    })
    expect(headers.get(answerHeader)).toMatch(
      /^TEXT (cpu_utilization=[\d.]+, )?mem_utilization=[\d.]+, .*application_utilization=0, named_metrics\.queue_length=0, /,
    )
  })

  it('has the processor time and the rates once a second has passed', async () => {
    const { post } = await startServer()
    const load = await vi.waitUntil(
      async () => {
        const told = loadOf(await post('/v2/models/tiny-mlp/infer', mlpRequest([1, 2, 3, 4]), ask))
        return 'cpu_utilization' in told && told
      },
      { timeout: 10_000 },
    )
    const { cpu_utilization: cpu, rps_fractional: rps, eps } = load as unknown as Record<string, number>
    expect(cpu).toBeGreaterThan(0)
    expect(rps).toBeGreaterThan(0)
    expect(eps).toBe(0)
  })

  it('says the same to Prometheus', async () => {
    const server = await startServer({ maxQueuedRequests: 1 })
    const { url } = server
    const first = inferSlow(server, long)
    await vi.waitUntil(async () => (await running(server)) === 1)
    expect(await metric(url, 'edgeward_application_utilization', 'model="slow"')).toBe(0.5)
    expect(await (await fetch(`${url}/metrics`)).text()).not.toContain('edgeward_run_seconds{model="slow"}')
    const { named_metrics: named } = loadOf(await first)

    expect(await metric(url, 'edgeward_application_utilization', 'model="slow"')).toBe(0)
    expect(await metric(url, 'edgeward_expected_wait_seconds', 'model="slow"')).toBe(0)
    expect(await metric(url, 'edgeward_run_seconds', 'model="slow"')).toBeCloseTo(named['run_seconds'] ?? 0, 5)
    const text = await (await fetch(`${url}/metrics`)).text()
    expect(text).toMatch(/^edgeward_cpu_utilization [\d.e-]+$/m)
    expect(text).toMatch(/^edgeward_mem_utilization 0\.\d+$/m)
  })
})
