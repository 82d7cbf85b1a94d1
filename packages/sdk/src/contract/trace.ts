/** Traces: the record of one request. Nothing of its input or output is in it. */
import type { ErrorCode } from '../errors/index.js'
import type { Placement, Plan } from './plan.js'
import type { Lane } from './policy.js'
import type { TaskName } from './task.js'

/**
 * What a span is of. `attempt` has the others inside, but for `plan`. `download` and `session` are the parts of a load
 * that the request waited for; `network` is an endpoint's round trips.
 */
export type SpanName =
  'plan' | 'attempt' | 'queue' | 'download' | 'session' | 'preprocess' | 'run' | 'postprocess' | 'network'

/** A part of a request. */
export interface Span {
  readonly name: SpanName
  /** Milliseconds since the request came in. */
  readonly startMs: number
  readonly durationMs: number
  /** Of an attempt, and of what is inside it. */
  readonly placement?: Placement
  /** Of an attempt: whether it answered, lost against a hedge, was aborted by the caller, or the code that it failed with. */
  readonly outcome?: 'answered' | 'cancelled' | 'aborted' | ErrorCode
  /** Whether the attempt was started beside another one that was late. */
  readonly isHedge?: boolean
}

/** What happened while a request was under way. */
export interface TraceNote {
  /** Milliseconds since the request came in. */
  readonly atMs: number
  readonly what: 'fallback' | 'hedge' | 'placement' | 'replay' | 'retry' | 'shadow'
  readonly text: string
}

export interface Trace {
  /** 32 hexadecimal digits, as W3C Trace Context has them. */
  readonly id: string
  readonly model: string
  readonly task: TaskName
  readonly lane: Lane
  /** When the request came in, in milliseconds since 1970. */
  readonly startedAt: number
  readonly totalMs: number
  /** How it ended: the code of its error, `aborted` by the caller, or `answered`. */
  readonly outcome: 'answered' | 'aborted' | ErrorCode
  /** Who answered. */
  readonly placement?: Placement
  /** Absent when the request ended before it was planned. */
  readonly plan?: Plan
  /** In the order of their starts. */
  readonly spans: readonly Span[]
  readonly notes: readonly TraceNote[]
}
