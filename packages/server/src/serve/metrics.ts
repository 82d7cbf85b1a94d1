/** `/metrics` in Prometheus' format. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { ProcessLoad } from '../load/process-load.js'
import type { ModelStore } from '../models/model-store.js'
import type { Served } from '../models/served.js'

/** Seconds; from a tiny model to the time limit. */
const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** Counts and times every request, and tells of the queues, the sessions and the process. */
export function addMetrics(app: FastifyInstance, store: ModelStore, load: ProcessLoad): void {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  addModelGauges(registry, store)
  addTokenCounter(registry, store)
  addProcessGauges(registry, load)
  addRequestMetrics(app, registry)
  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()))
}

function addRequestMetrics(app: FastifyInstance, registry: Registry): void {
  const registers = [registry]
  const requests = new Counter({
    name: 'edgeward_requests_total',
    help: 'Requests answered.',
    labelNames: ['route', 'model', 'status'],
    registers,
  })
  const durations = new Histogram({
    name: 'edgeward_request_duration_seconds',
    help: 'From the head of a request to the end of its answer.',
    labelNames: ['route', 'model'],
    buckets: durationBuckets,
    registers,
  })
  app.addHook('onResponse', async (request, reply) => {
    const labels = requestLabels(request)
    requests.inc({ ...labels, status: reply.statusCode })
    durations.observe(labels, reply.elapsedTime / 1000)
  })
}

/** Labels come from the endpoint's own lists, never from what a client wrote: their number stays bounded. */
function requestLabels({ routeOptions, servedModel }: FastifyRequest): { route: string; model: string } {
  return { route: routeOptions.url ?? 'unknown', model: servedModel?.name ?? '' }
}

function addModelGauges(registry: Registry, store: ModelStore): void {
  const gauge = (name: string, help: string, read: (model: Served) => number | undefined) =>
    new Gauge({
      name,
      help,
      labelNames: ['model'],
      registers: [registry],
      collect() {
        for (const model of store.list()) {
          const value = read(model)
          if (value !== undefined) this.set({ model: model.name }, value)
        }
      },
    })
  gauge('edgeward_queue_length', 'Requests that wait for a session.', ({ queue }) => queue.length)
  gauge('edgeward_requests_running', 'Requests that a session works on.', ({ queue }) => queue.running)
  gauge('edgeward_sessions_loaded', 'Sessions in memory.', ({ loadedSessions }) => loadedSessions)
  // As the load report has them, see load/load-report.ts.
  gauge('edgeward_application_utilization', 'How full the queue is, 0 to 1.', ({ queue }) => queue.utilization)
  gauge('edgeward_run_seconds', 'Mean time of the recent runs.', ({ runSeconds }) => runSeconds)
  gauge(
    'edgeward_expected_wait_seconds',
    'How long a request that came now would wait for a session.',
    ({ expectedWaitSeconds }) => expectedWaitSeconds,
  )
}

function addTokenCounter(registry: Registry, store: ModelStore): void {
  new Counter({
    name: 'edgeward_tokens_total',
    help: 'Tokens of language models: read in prompts, and generated.',
    labelNames: ['model', 'kind'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { name, tokens } of store.languageModels()) {
        this.inc({ model: name, kind: 'prompt' }, tokens.prompt)
        this.inc({ model: name, kind: 'generated' }, tokens.generated)
      }
    },
  })
}

/** 0 until the first second has passed. */
function addProcessGauges(registry: Registry, load: ProcessLoad): void {
  const gauge = (name: string, help: string, read: () => number | undefined) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read() ?? 0)
      },
    })
  const since = 'since the last reading, at least a second'
  gauge('edgeward_cpu_utilization', `Share of the processors used, ${since}.`, () => load.read().cpuUtilization)
  gauge('edgeward_mem_utilization', 'Share of the memory used, 0 to 1.', () => load.read().memUtilization)
}
