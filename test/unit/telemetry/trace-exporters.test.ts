/** Exporters of traces: the lines of the console, and the spans that a collector gets. */
import { resourceFromAttributes } from '@opentelemetry/resources'
import { describe, expect, it } from 'vitest'
import { logToConsole } from '../../../packages/sdk/src/exporters.js'
import { exportToCollector } from '../../../packages/sdk/src/opentelemetry.js'
import { toOtlpSpans } from '../../../packages/sdk/src/telemetry/opentelemetry/otlp-spans.js'
import { makeSource, makeTrace, remote } from '../../support/traces.js'

describe('the console', () => {
  it('has one line for each request, with its spans and notes inside, until the undo', () => {
    const calls: unknown[][] = []
    const note =
      (name: string) =>
      (...values: unknown[]) =>
        void calls.push([name, ...values])
    const source = makeSource()
    const output = { groupCollapsed: note('group'), table: note('table'), log: note('log'), groupEnd: note('end') }
    const stop = logToConsole(source, output)
    source.emit(makeTrace())
    stop()
    source.emit(makeTrace())
    expect(calls.map(([name]) => name)).toEqual(['group', 'table', 'log', 'end'])
    expect(calls[0]?.[1]).toBe(
      'edgeward a-model · feature-extraction · 100.0 ms · device (wasm, int8) · after 1 other attempt · plan 1.0, session 50.0, run 39.0',
    )
    expect(calls[1]?.[1]).toContainEqual({
      span: 'attempt',
      'start (ms)': 1,
      'duration (ms)': 9,
      placement: remote.engine === 'remote' && remote.endpoint,
      outcome: 'REMOTE_FAILED',
    })
    expect(calls[2]?.[1]).toBe('10.0 ms: fallback: The endpoint failed.')
  })

  it('says how a request ended that nobody answered', () => {
    const lines: string[] = []
    const source = makeSource()
    const quiet = () => undefined
    logToConsole(source, {
      groupCollapsed: (line: string) => void lines.push(line),
      table: quiet,
      log: quiet,
      groupEnd: quiet,
    })
    const { id, model, task, lane, startedAt, totalMs } = makeTrace()
    source.emit({ id, model, task, lane, startedAt, totalMs, outcome: 'NO_PLACEMENT', spans: [], notes: [] })
    expect(lines).toEqual(['edgeward a-model · feature-extraction · 100.0 ms · NO_PLACEMENT'])
  })
})

describe('OpenTelemetry', () => {
  const resource = resourceFromAttributes({ 'service.name': 'app' })

  it('gets one span for the request, the attempts below it, and the phases below their attempt', () => {
    const spans = toOtlpSpans(makeTrace(), resource)
    const nameOf = new Map(spans.map((span, index) => [span.spanContext().spanId, `${index} ${span.name}`]))
    expect(spans.map((span) => [span.name, nameOf.get(span.parentSpanContext?.spanId ?? '')])).toEqual([
      ['embeddings a-model', undefined],
      ['edgeward.plan', '0 embeddings a-model'],
      ['edgeward.attempt', '0 embeddings a-model'],
      ['edgeward.attempt', '0 embeddings a-model'],
      ['edgeward.session', '3 edgeward.attempt'],
      ['edgeward.run', '3 edgeward.attempt'],
    ])
  })

  it('gets the names of its own conventions where there are some', () => {
    const [request, , failed] = toOtlpSpans(makeTrace(), resource, { 'app.tenant': 'one' })
    expect(request?.attributes).toMatchObject({
      'gen_ai.operation.name': 'embeddings',
      'gen_ai.provider.name': 'edgeward',
      'gen_ai.request.model': 'a-model',
      'edgeward.backend': 'wasm',
      'app.tenant': 'one',
    })
    expect(failed?.attributes).toMatchObject({
      'server.address': 'one.example',
      'server.port': 8443,
      'error.type': 'REMOTE_FAILED',
    })
  })

  it('is told of failures as errors, and of what the caller gave up as none', () => {
    const statusOf = (outcome: 'answered' | 'aborted' | 'INTERNAL') =>
      toOtlpSpans(makeTrace({ outcome }), resource)[0]?.status
    expect([statusOf('answered'), statusOf('aborted'), statusOf('INTERNAL')]).toEqual([
      { code: 0 },
      { code: 0 },
      { code: 2, message: 'INTERNAL' },
    ])
  })

  it.each([
    [{ url: 'http://', serviceName: 'app' }, 'url'],
    [{ url: 'https://collector.example/v1/traces', serviceName: '' }, 'serviceName'],
    [{ url: 'https://collector.example/v1/traces', serviceName: 'app', sampleRatio: 2 }, 'sampleRatio'],
    [{ url: 'https://collector.example/v1/traces', serviceName: 'app', maxBatch: 0 }, 'maxBatch'],
    [{ url: 'https://collector.example/v1/traces', serviceName: 'app', intervalMs: -1 }, 'intervalMs'],
  ])('refuses %j', (options, name) => {
    const source = makeSource()
    const wrong = {
      code: 'INVALID_OPTION',
      message: expect.stringContaining(`exportToCollector: ${name} is`) as string,
    }
    expect(() => exportToCollector(source, options)).toThrow(expect.objectContaining(wrong) as Error)
    expect(source.listeners).toBe(0)
  })
})
