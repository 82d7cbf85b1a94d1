/** What a client tells about itself, by event name. */
import type { Attempt, Timings } from './engine.js'
import type { HealthChange } from './health.js'
import type { Placement } from './plan.js'
import type { TaskName } from './task.js'
import type { Trace } from './trace.js'

/**
 * What a load waits for: the manifest; bytes of the model's files; cached chunks being checked; ONNX Runtime, when it
 * starts more slowly than the files come; a session being made; its canary.
 */
export type LoadPhase = 'manifest' | 'download' | 'verify' | 'runtime' | 'session' | 'canary'

/** How far the files of a model are. */
export interface DownloadProgress {
  /** The model's id, without a revision: a folder's name, `hf:organisation/repository` or `local:name`. */
  readonly model: string
  readonly phase: LoadPhase
  /** Bytes that came, from the network or the cache; never fewer than before. 0 while the manifest is fetched. */
  readonly loadedBytes: number
  /** Bytes of the variant and the assets; 0 while the manifest is fetched. */
  readonly totalBytes: number
  /** The part of `loadedBytes` that was in the cache, in bytes. */
  readonly cachedBytes: number
  /** What the network brought over the last five seconds; 0 while nothing comes, absent until that can be said. */
  readonly bytesPerSecond?: number
  /** Until the last byte is there, in milliseconds, at that rate; absent where there is no rate. */
  readonly remainingMs?: number
}

export interface EdgewardEvents {
  /**
   * A load has got on: bytes, told every 50 ms at most, or a new phase. The last one of a load that succeeds has
   * `loadedBytes === totalBytes`.
   */
  download: DownloadProgress
  /** A model is ready on the device; its files and sessions took `loadMs` milliseconds. */
  ready: { readonly model: string; readonly placement: Placement; readonly loadMs: number }
  /**
   * A model's weights could not be kept, so that it runs from memory and is fetched again next time; or they had to make
   * room for another model. It may come after `ready`.
   */
  storage: { readonly model: string; readonly reason: string }
  /** Another revision of a cached model is complete in the cache: clients that are created from now on use it. */
  update: { readonly model: string; readonly from: string; readonly to: string }
  /** A placement failed and the next one is tried. */
  fallback: { readonly model: string; readonly task: TaskName; readonly attempt: Attempt }
  /** A request was answered. */
  answer: {
    readonly model: string
    readonly task: TaskName
    readonly placement: Placement
    readonly timings: Timings
    readonly attempts: readonly Attempt[]
  }
  /**
   * A request of a model goes elsewhere first than the one before it, and why: something has changed, or its size differs.
   * Requests with a policy of their own, and those of the lane `background`, are left out.
   */
  placement: { readonly model: string; readonly from: Placement; readonly to: Placement; readonly reason: string }
  /** A request has ended, well or not; the full record of it. */
  request: Trace
  /** Something that answers requests was lost, is there again, or was replaced in time. */
  health: HealthChange
  /** A request was run a second time elsewhere, to compare. */
  shadow: {
    readonly model: string
    readonly task: TaskName
    readonly answered: Placement
    readonly shadow: Placement
    /** Whether the outputs were the same within the manifest's tolerance; absent when they cannot be compared. */
    readonly agreed?: boolean
    /** The largest absolute difference between two numbers of the outputs. */
    readonly largestDifference?: number
  }
}

export type EventName = keyof EdgewardEvents
export type Listener<E extends EventName> = (event: EdgewardEvents[E]) => void
