/** Builds the trace of one request from what its client has seen. */
import type { EngineAnswer, Placement, Plan, Span, SpanName, Trace, TraceNote } from '../contract/index.js'

/** A placement that was tried, as dispatch tells it. */
export interface TracedAttempt {
  readonly placement: Placement
  /** By `performance.now()`. */
  readonly startedAt: number
  readonly durationMs: number
  readonly outcome: NonNullable<Span['outcome']>
  readonly isHedge: boolean
  /** Of the attempt that answered. */
  readonly timings?: EngineAnswer['timings']
}

/** Everything a trace is made from. Times are those of `performance.now()`. */
export interface TraceRecord extends Pick<Trace, 'model' | 'task' | 'lane' | 'outcome'> {
  readonly startedAt: number
  readonly endedAt: number
  /** How long it took to plan; absent: the request ended before. */
  readonly planMs?: number
  readonly plan?: Plan
  /** Those of a plan that was replaced included. */
  readonly attempts: readonly TracedAttempt[]
  /** When the last byte of the model's files came, if the request waited for that; until then a load is a download. */
  readonly lastByteAt?: number
  readonly notes: readonly TraceNote[]
}

/** The record, with an id of its own and its times counted from the request's start. */
export function buildTrace(record: TraceRecord): Trace {
  const { model, task, lane, startedAt, endedAt, outcome, plan, notes } = record
  const attempts = [...record.attempts].sort((one, other) => one.startedAt - other.startedAt)
  const answered = attempts.find((attempt) => attempt.outcome === 'answered')
  const spans = [...planSpans(record, attempts[0]), ...attempts.flatMap((attempt) => spansOf(attempt, record))]
  return {
    id: randomId(),
    model,
    task,
    lane,
    // Not from `performance.timeOrigin`, which falls behind the clock whenever the machine sleeps.
    startedAt: Date.now() - (performance.now() - startedAt),
    totalMs: endedAt - startedAt,
    outcome,
    ...(answered && { placement: answered.placement }),
    ...(plan && { plan }),
    spans: spans.sort((one, other) => one.startMs - other.startMs),
    notes,
  }
}

/** The plan is there when the first attempt begins. */
function planSpans({ planMs, startedAt, endedAt }: TraceRecord, first: TracedAttempt | undefined): readonly Span[] {
  if (planMs === undefined) return []
  const end = (first?.startedAt ?? endedAt) - startedAt
  return [{ name: 'plan', startMs: Math.max(0, end - planMs), durationMs: planMs }]
}

/** The attempt, and what is known of its inside. */
function spansOf(attempt: TracedAttempt, record: TraceRecord): readonly Span[] {
  const { placement, durationMs, outcome, isHedge } = attempt
  const startMs = attempt.startedAt - record.startedAt
  return [
    { name: 'attempt', startMs, durationMs, placement, outcome, ...(isHedge && { isHedge }) },
    ...phasesIn(attempt, record, startMs),
  ]
}

/** The phases one after the other, as they happen. Rounded clocks must not let one end after its attempt. */
function phasesIn(attempt: TracedAttempt, record: TraceRecord, startMs: number): readonly Span[] {
  const { placement, durationMs } = attempt
  const end = startMs + durationMs
  const spans: Span[] = []
  let at = startMs
  for (const [name, ms] of phasesOf(attempt, record)) {
    if (ms === undefined) continue
    const spanMs = Math.min(ms, end - at)
    spans.push({ name, startMs: at, durationMs: spanMs, placement })
    at += spanMs
  }
  return spans
}

function phasesOf(
  { placement, startedAt, timings = {} }: TracedAttempt,
  { lastByteAt }: TraceRecord,
): readonly (readonly [SpanName, number | undefined])[] {
  const { loadMs, preprocessMs, queueMs, inferenceMs, postprocessMs } = timings
  const downloadMs =
    loadMs === undefined || lastByteAt === undefined || lastByteAt <= startedAt
      ? undefined
      : Math.min(loadMs, lastByteAt - startedAt)
  return [
    ['download', downloadMs],
    ['session', loadMs === undefined ? undefined : loadMs - (downloadMs ?? 0)],
    ['preprocess', preprocessMs],
    ['queue', queueMs],
    [placement.engine === 'device' ? 'run' : 'network', inferenceMs],
    ['postprocess', postprocessMs],
  ]
}

/** 16 random bytes; all zeros, which W3C Trace Context forbids, come once in 2¹²⁸ times. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
