/** Traces: the record of one request, with spans that nest, and nothing of its input or output. */
import { describe, expect, it } from 'vitest'
import type { Placement, Span, Trace } from '../../../packages/sdk/src/contract/index.js'
import { buildTrace, Emitter, type TracedAttempt, type TraceRecord } from '../../../packages/sdk/src/telemetry/index.js'

const wasm: Placement = { engine: 'device', backend: 'wasm', variant: 'int8' }
const remote: Placement = { engine: 'remote', endpoint: 'https://one.example/' }

const answered: TracedAttempt = {
  placement: wasm,
  startedAt: 1_010,
  durationMs: 90,
  outcome: 'answered',
  isHedge: false,
  timings: { queueMs: 20, loadMs: 40, preprocessMs: 5, inferenceMs: 15, postprocessMs: 2 },
}

function record(changes: Partial<TraceRecord> = {}): TraceRecord {
  const request = { model: 'a-model', task: 'tensors', lane: 'default', outcome: 'answered' } as const
  return { ...request, startedAt: 1_000, endedAt: 1_101, planMs: 8, attempts: [answered], notes: [], ...changes }
}

/** `name start…end`, in the order of the trace. */
function outline({ spans }: Trace): readonly string[] {
  return spans.map(({ name, startMs, durationMs }) => `${name} ${startMs}…${startMs + durationMs}`)
}

describe('a trace', () => {
  it('lays the phases of the attempt that answered one after the other, inside it', () => {
    expect(outline(buildTrace(record()))).toEqual([
      'plan 2…10',
      'attempt 10…100',
      'session 10…50',
      'preprocess 50…55',
      'queue 55…75',
      'run 75…90',
      'postprocess 90…92',
    ])
  })

  it('tells the download of a load from the making of its session by the time of the last byte', () => {
    const spans = outline(buildTrace(record({ lastByteAt: 1_040 })))
    expect(spans.slice(2, 4)).toEqual(['download 10…40', 'session 40…50'])
  })

  it('takes no download for one that had ended before the attempt began', () => {
    expect(outline(buildTrace(record({ lastByteAt: 1_005 })))).not.toContainEqual(expect.stringContaining('download'))
  })

  it('calls what an endpoint did the network', () => {
    const attempt: TracedAttempt = { ...answered, placement: remote, timings: { inferenceMs: 70 } }
    const trace = buildTrace(record({ attempts: [attempt] }))
    expect(outline(trace)).toEqual(['plan 2…10', 'attempt 10…100', 'network 10…80'])
    expect(trace.placement).toEqual(remote)
    expect(trace.spans.slice(1).map(({ placement }) => placement)).toEqual([remote, remote])
  })

  it('lets no phase end after its attempt', () => {
    const trace = buildTrace(record({ attempts: [{ ...answered, durationMs: 60 }] }))
    expect(outline(trace).slice(-3)).toEqual(['queue 55…70', 'run 70…70', 'postprocess 70…70'])
  })

  it('has every attempt in the order of their starts, with what became of it', () => {
    const attempts: TracedAttempt[] = [
      { placement: remote, startedAt: 1_050, durationMs: 30, outcome: 'answered', isHedge: true },
      { placement: wasm, startedAt: 1_010, durationMs: 70, outcome: 'cancelled', isHedge: false },
      { placement: wasm, startedAt: 1_002, durationMs: 8, outcome: 'GPU_LOST', isHedge: false },
    ]
    const { spans, placement } = buildTrace(record({ attempts, planMs: 1 }))
    const tried = spans.filter(({ name }) => name === 'attempt')
    expect(tried.map(({ outcome, isHedge }) => [outcome, isHedge])).toEqual([
      ['GPU_LOST', undefined],
      ['cancelled', undefined],
      ['answered', true],
    ])
    expect(placement).toEqual(remote)
  })

  it('of a request that nobody answered has no placement', () => {
    const trace = buildTrace(record({ attempts: [], outcome: 'NO_PLACEMENT' }))
    expect(trace).not.toHaveProperty('placement')
    expect(outline(trace)).toEqual(['plan 93…101'])
  })

  it('of a request that ended before it was planned has no spans', () => {
    const { model, task, lane, startedAt, endedAt } = record()
    const early: TraceRecord = { model, task, lane, startedAt, endedAt, outcome: 'aborted', attempts: [], notes: [] }
    expect(buildTrace(early).spans).toEqual([])
  })

  it('has an id of its own, in the form of W3C Trace Context, and the time of day of its start', () => {
    const startedAt = performance.now() - 5_000
    const before = Date.now() - 5_000
    const [one, other] = [buildTrace(record({ startedAt })), buildTrace(record({ startedAt }))]
    expect(one.id).toMatch(/^[0-9a-f]{32}$/)
    expect(other.id).not.toBe(one.id)
    expect(Math.abs(one.startedAt - before)).toBeLessThan(1_000)
    expect(one.totalMs).toBe(1_101 - startedAt)
  })

  it('has spans inside which the children of an attempt lie', () => {
    const { spans } = buildTrace(record({ lastByteAt: 1_040 }))
    const attempt = spans.find(({ name }) => name === 'attempt') as Span
    const inside = spans.filter(({ name }) => name !== 'attempt' && name !== 'plan')
    expect(inside.length).toBe(6)
    for (const { startMs, durationMs } of inside) {
      expect(startMs).toBeGreaterThanOrEqual(attempt.startMs)
      expect(startMs + durationMs).toBeLessThanOrEqual(attempt.startMs + attempt.durationMs)
    }
  })
})

it('an emitter knows whether anybody listens to an event', () => {
  const emitter = new Emitter<{ request: Trace; other: string }>()
  expect(emitter.has('request')).toBe(false)
  const stop = emitter.on('request', () => undefined)
  expect([emitter.has('request'), emitter.has('other')]).toEqual([true, false])
  stop()
  expect(emitter.has('request')).toBe(false)
})
