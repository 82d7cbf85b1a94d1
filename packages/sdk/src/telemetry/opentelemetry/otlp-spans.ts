/** Turns a trace into OpenTelemetry's spans, with the attributes of its semantic conventions where there are some. */
import { SpanKind, SpanStatusCode, TraceFlags, type Attributes, type HrTime, type SpanStatus } from '@opentelemetry/api'
import type { JsonTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { Placement, Span, TaskName, Trace } from '../../contract/index.js'

export type OtlpSpan = Parameters<typeof JsonTraceSerializer.serializeRequest>[0][number]
type Resource = OtlpSpan['resource']

/** Attributes that an app adds to the span of a request. */
export type AppAttributes = Readonly<Record<string, string | number | boolean>>

/**
 * One span for the request and one for each span of the trace, below it. Names of attributes: those of GenAI
 * (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/), of errors and of servers; else `edgeward.…`.
 */
export function toOtlpSpans(trace: Trace, resource: Resource, added: AppAttributes = {}): readonly OtlpSpan[] {
  const rootId = randomSpanId()
  const ids = trace.spans.map(randomSpanId)
  const root = {
    ...partsOf(trace, rootId, undefined, resource),
    name: `${operations[trace.task] ?? trace.task} ${trace.model}`,
    kind: trace.placement?.engine === 'remote' ? SpanKind.CLIENT : SpanKind.INTERNAL,
    ...timesOf(trace, 0, trace.totalMs),
    status: statusOf(trace.outcome),
    attributes: { ...requestAttributes(trace), ...added },
    events: trace.notes.map(({ atMs, what, text }) => ({
      name: `edgeward.${what}`,
      time: toHrTime(trace.startedAt + atMs),
      attributes: { 'edgeward.note': text },
    })),
  }
  const children = trace.spans.map((span, index) => {
    const parent = parentOf(index, trace.spans)
    const parentId = parent === undefined ? rootId : (ids[parent] ?? rootId)
    return toOtlpSpan(trace, span, partsOf(trace, ids[index] ?? randomSpanId(), parentId, resource))
  })
  return [root, ...children]
}

/** The well-known names of GenAI operations; another task is called by its own name, as the conventions allow. */
const operations: { readonly [T in TaskName]?: string } = { 'feature-extraction': 'embeddings' }

function toOtlpSpan(trace: Trace, span: Span, parts: ReturnType<typeof partsOf>): OtlpSpan {
  const { name, startMs, durationMs, placement, outcome, isHedge } = span
  return {
    ...parts,
    name: `edgeward.${name}`,
    kind: name === 'network' ? SpanKind.CLIENT : SpanKind.INTERNAL,
    ...timesOf(trace, startMs, durationMs),
    status: statusOf(outcome),
    attributes: {
      ...(placement && placementAttributes(placement)),
      ...(outcome !== undefined && outcomeAttributes(outcome)),
      ...(isHedge && { 'edgeward.hedge': true }),
    },
    events: [],
  }
}

/** What every span has. */
function partsOf({ id: traceId }: Trace, spanId: string, parentId: string | undefined, resource: Resource) {
  const contextOf = (spanId: string) => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED })
  return {
    spanContext: () => contextOf(spanId),
    ...(parentId !== undefined && { parentSpanContext: contextOf(parentId) }),
    resource,
    instrumentationScope: { name: 'edgeward' },
    links: [],
    ended: true,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

/** The attempt that a phase belongs to: the last one on the same placement that began before it. */
function parentOf(index: number, spans: readonly Span[]): number | undefined {
  const phase = spans[index]
  if (phase?.placement === undefined || phase.name === 'attempt') return undefined
  const where = JSON.stringify(phase.placement)
  const found = spans.findLastIndex(
    ({ name, startMs, placement }) =>
      name === 'attempt' && startMs <= phase.startMs && JSON.stringify(placement) === where,
  )
  return found < 0 ? undefined : found
}

function requestAttributes({ model, task, lane, outcome, placement, plan }: Trace): Attributes {
  const planned = plan?.placements.find((one) => JSON.stringify(one.placement) === JSON.stringify(placement))
  return {
    'gen_ai.operation.name': operations[task] ?? task,
    'gen_ai.provider.name': 'edgeward',
    'gen_ai.request.model': model,
    'edgeward.task': task,
    'edgeward.lane': lane,
    ...outcomeAttributes(outcome),
    ...(placement && placementAttributes(placement)),
    ...(planned && {
      'edgeward.plan.reason': planned.reason,
      'edgeward.plan.basis': planned.estimate.basis,
      'edgeward.plan.total_ms': planned.estimate.totalMs.typical,
    }),
  }
}

function placementAttributes(placement: Placement): Attributes {
  if (placement.engine === 'device') {
    const { backend, variant } = placement
    return { 'edgeward.engine': 'device', 'edgeward.backend': backend, 'edgeward.variant': variant }
  }
  const { hostname, port, protocol } = new URL(placement.endpoint)
  const usual = protocol === 'https:' ? 443 : 80
  return {
    'edgeward.engine': 'remote',
    'server.address': hostname,
    'server.port': port === '' ? usual : Number(port),
  }
}

function outcomeAttributes(outcome: NonNullable<Span['outcome']> | Trace['outcome']): Attributes {
  return { 'edgeward.outcome': outcome, ...(isFailure(outcome) && { 'error.type': outcome }) }
}

/** What succeeded stays unset, as the specification asks of libraries. */
function statusOf(outcome: Span['outcome'] | Trace['outcome']): SpanStatus {
  if (outcome === undefined || !isFailure(outcome)) return { code: SpanStatusCode.UNSET }
  return { code: SpanStatusCode.ERROR, message: outcome }
}

function isFailure(outcome: NonNullable<Span['outcome']> | Trace['outcome']): boolean {
  return outcome !== 'answered' && outcome !== 'cancelled' && outcome !== 'aborted'
}

function timesOf({ startedAt }: Trace, startMs: number, durationMs: number) {
  const startTime = toHrTime(startedAt + startMs)
  const endTime = toHrTime(startedAt + startMs + durationMs)
  return { startTime, endTime, duration: toHrTime(durationMs) }
}

/** Seconds and nanoseconds; a millisecond since 1970 has about four decimals left. */
function toHrTime(ms: number): HrTime {
  const microseconds = Math.round(ms * 1_000)
  const seconds = Math.floor(microseconds / 1_000_000)
  return [seconds, (microseconds - seconds * 1_000_000) * 1_000]
}

function randomSpanId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
