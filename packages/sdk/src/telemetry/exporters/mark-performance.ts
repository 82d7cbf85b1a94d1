/** Puts every request into the browser's performance timeline, where DevTools and `PerformanceObserver` find it. */
import type { Span, Trace } from '../../contract/index.js'
import { describePlacement, describeTrace } from './describe-trace.js'
import type { RequestSource } from './request-source.js'

/** The timeline keeps what it is given until it is cleared. */
const requestsKept = 500

/** What Chromium's DevTools reads of a measure, so that it stands in a track of its own. */
interface DevToolsEntry {
  readonly dataType: 'track-entry'
  readonly trackGroup: string
  readonly track: string
  readonly color: 'primary' | 'secondary-light' | 'tertiary' | 'error'
  readonly tooltipText: string
  readonly properties: readonly (readonly [string, string])[]
}

/** The `detail` of a measure. */
export interface MeasureDetail {
  /** The id of the trace. */
  readonly trace: string
  readonly devtools: DevToolsEntry
}

/**
 * Makes a `PerformanceMeasure` of each request (`edgeward:request`) and of each of its spans (`edgeward:run`, …), with its
 * {@link MeasureDetail}. In the performance panel of Chromium's DevTools they are the track of their model in the group
 * Edgeward. Now and then the oldest are cleared, so that the timeline does not grow for ever; observers have heard of them.
 *
 * @param edge - the client
 * @returns the undo, which clears them too
 */
export function markPerformance(edge: RequestSource): () => void {
  const names = new Set<string>()
  let marked = 0
  const clear = () => {
    for (const name of names) performance.clearMeasures(name)
  }
  const stop = edge.on('request', (trace) => {
    if (marked > 0 && marked % requestsKept === 0) clear()
    marked += 1
    for (const name of mark(trace)) names.add(name)
  })
  return () => {
    stop()
    clear()
  }
}

/** The names of the measures that were made. */
function mark(trace: Trace): readonly string[] {
  // Not from `performance.timeOrigin`, which falls behind the clock whenever the machine sleeps.
  const startedAt = Math.max(0, performance.now() - (Date.now() - trace.startedAt))
  const measure = (name: string, startMs: number, durationMs: number, entry: Partial<DevToolsEntry>) => {
    const start = startedAt + startMs
    performance.measure(name, { start, end: start + durationMs, detail: detailOf(trace, entry) })
    return name
  }
  const color = trace.outcome === 'answered' ? 'primary' : 'error'
  return [
    measure('edgeward:request', 0, trace.totalMs, { color, tooltipText: describeTrace(trace) }),
    ...trace.spans.map((span) => measure(`edgeward:${span.name}`, span.startMs, span.durationMs, entryOf(span))),
  ]
}

function detailOf({ id, model, task, lane }: Trace, entry: Partial<DevToolsEntry>): MeasureDetail {
  const properties = [['task', task], ['lane', lane], ['trace', id], ...(entry.properties ?? [])] as const
  const devtools = { dataType: 'track-entry', trackGroup: 'Edgeward', track: model, ...fallback, ...entry } as const
  return { trace: id, devtools: { ...devtools, properties } }
}

const fallback = { color: 'tertiary', tooltipText: '' } as const

function entryOf({ name, placement, outcome }: Span): Partial<DevToolsEntry> {
  const where = placement === undefined ? '' : ` on ${describePlacement(placement)}`
  const end = outcome === undefined ? '' : `: ${outcome}`
  const failed = outcome !== undefined && outcome !== 'answered' && outcome !== 'cancelled'
  return {
    color: failed ? 'error' : name === 'attempt' ? 'secondary-light' : 'tertiary',
    tooltipText: `${name}${where}${end}`,
    properties: outcome === undefined ? [] : [['outcome', outcome]],
  }
}
