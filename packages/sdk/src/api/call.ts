/** What is seen of one call while it is under way: what its trace is made from. */
import type { Lane, Placement, TaskName, Trace, TraceNote } from '../contract/index.js'
import type { Tried } from '../router/index.js'
import { buildTrace } from '../telemetry/index.js'
import type { Planned } from './planner.js'

export interface Call {
  readonly task: TaskName
  readonly model: string
  readonly lane: Lane
  readonly startedAt: number
  units: number
  /** The newest plan that it is answered by. */
  planned?: Planned
  planMs?: number
  readonly tried: Tried[]
  readonly notes: TraceNote[]
}

export function newCall(task: TaskName, model: string, lane: Lane): Call {
  return { task, model, lane, startedAt: performance.now(), units: 0, tried: [], notes: [] }
}

export function note(call: Call, what: TraceNote['what'], text: string): void {
  call.notes.push({ atMs: performance.now() - call.startedAt, what, text })
}

/** @param lastByteAt - when the last byte of the model's files came, by `performance.now()` */
export function traceOf(call: Call, outcome: Trace['outcome'], lastByteAt: number | undefined): Trace {
  const { task, model, lane, startedAt, notes, planned, planMs, tried: attempts } = call
  return buildTrace({
    ...{ task, model, lane, startedAt, notes, outcome, attempts, endedAt: performance.now() },
    ...(planned && { plan: planned.planned }),
    ...(planMs !== undefined && { planMs }),
    ...(lastByteAt !== undefined && { lastByteAt }),
  })
}

/** As notes have it. */
export function nameOf(placement: Placement): string {
  return placement.engine === 'device' ? `device (${placement.backend}, ${placement.variant})` : placement.endpoint
}
