/** The one interface that the router knows, and what goes in and out of it. */
import type { ErrorCode, ErrorDetails } from '../errors/index.js'
import type { GenerationEvent, GenerationResume } from './generation.js'
import type { Manifest, VariantDtype } from './manifest.js'
import type { Placement } from './plan.js'
import type { Lane } from './policy.js'
import type { TaskInput, TaskName, TaskOptions, TaskOutput } from './task.js'

/** How long the phases of an answer took, in milliseconds of `performance.now()`. Absent: the phase did not happen. */
export interface Timings {
  /** From the call to the answer, failed attempts included. */
  readonly totalMs: number
  /** Fetching weights and making sessions, when this request had to wait for it. */
  readonly loadMs?: number
  /** Waiting for the device behind other requests, when this request did. */
  readonly queueMs?: number
  /** From the input to the first tensor. */
  readonly preprocessMs?: number
  /** All runs of graphs; at an endpoint, the round trips. */
  readonly inferenceMs?: number
  /** From the last tensor to the output. */
  readonly postprocessMs?: number
  /** How many requests the same runs answered, when this was not the only one: the phases are those of all of them. */
  readonly batchedRequests?: number
}

/** A placement that was tried before the one that answered, and what ended it. */
export interface Attempt {
  readonly placement: Placement
  readonly code: ErrorCode
  readonly message: string
  readonly details: ErrorDetails
  /** What was thrown underneath, in its own words, where there is such a thing. */
  readonly cause?: string
  readonly durationMs: number
}

/** What a request resolves with. */
export interface Result<Output> {
  readonly output: Output
  /** Where the answer was computed. */
  readonly placement: Placement
  readonly timings: Timings
  /** The placements that failed before, oldest first. */
  readonly attempts: readonly Attempt[]
}

/**
 * A manifest and the address it came from, which its files lie beside. Models of a hub and of the user have a manifest that
 * was made from their files, and the address that it would have.
 */
export interface ModelSource {
  readonly manifest: Manifest
  readonly manifestUrl: string
  /** Where the same manifest would be at other mirrors: files that `manifestUrl`'s server does not give come from there. */
  readonly mirrorUrls?: readonly string[]
  /** The variants of this revision that are complete in the cache, when that was looked up. */
  readonly cachedVariants?: readonly VariantDtype[]
  /** No request may be made: what is not in the cache is missing. */
  readonly offline?: boolean
}

/**
 * A request at the level of the task, the same for every engine. The model's source is absent when no manifest could
 * be had: only an engine that needs none can answer then.
 */
export interface EngineRequest<T extends TaskName = TaskName> extends Partial<ModelSource> {
  readonly model: string
  readonly task: T
  readonly input: TaskInput<T>
  readonly options: TaskOptions<T>
  /** Absent: `default`. */
  readonly lane?: Lane
  /** How many requests may wait for the device; absent: any number. */
  readonly maxQueued?: number
  /** When the request's time is over, by `performance.now()` of the page; absent: never. */
  readonly deadlineAt?: number
  /**
   * The 95th percentile of what this placement is expected to take for it, in milliseconds, where it was measured: a worker
   * that is silent for much longer hangs.
   */
  readonly expectedMs?: number
}

/** A request for one answer of text, event by event. `options.seed` is always there, and `options.n` is not heeded. */
export interface StreamRequest extends EngineRequest<'text-generation'> {
  /** What another engine, or this one before, has written of the answer already; none of it comes again. */
  readonly resume?: GenerationResume
}

export interface EngineAnswer<T extends TaskName = TaskName> {
  readonly output: TaskOutput<T>
  readonly timings: Omit<Timings, 'totalMs'>
}

/** Something that can answer a request. */
export interface Engine {
  readonly kind: Placement['engine']
  /**
   * Makes a placement ready; resolves at once when it is. @throws EdgewardError; on abort, `signal.reason`
   *
   * @param priority - `low`: whatever else the page fetches comes first
   */
  prepare(placement: Placement, source: ModelSource, signal: AbortSignal, priority?: 'low'): Promise<void>
  run<T extends TaskName>(
    placement: Placement,
    request: EngineRequest<T>,
    signal: AbortSignal,
  ): Promise<EngineAnswer<T>>
  /**
   * Writes one answer. The stream ends with a `finish` event, or errors with an EdgewardError; on abort, with `signal.reason`.
   * Nothing is generated that nobody reads. Absent: this engine cannot.
   */
  stream?(placement: Placement, request: StreamRequest, signal: AbortSignal): ReadableStream<GenerationEvent>
  /** Frees everything; what is pending rejects with `DISPOSED`. */
  dispose(): Promise<void>
}
