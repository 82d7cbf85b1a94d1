/** What a client tells about itself, by event name. */
import type { Attempt, Timings } from './engine.js'
import type { Placement } from './plan.js'
import type { TaskName } from './task.js'

/** How far the files of a model are. */
export interface DownloadProgress {
  readonly model: string
  /** Verified bytes, from the network or the cache. */
  readonly loadedBytes: number
  readonly totalBytes: number
  /** The part of `loadedBytes` that was in the cache. */
  readonly cachedBytes: number
}

export interface EdgewardEvents {
  /** Chunks of a model's files arrived. The last one has `loadedBytes === totalBytes`. */
  download: DownloadProgress
  /** A model is ready on the device. */
  ready: { readonly model: string; readonly placement: Placement; readonly loadMs: number }
  /**
   * A model's weights could not be kept, so that it runs from memory and is fetched again next time; or they had to make
   * room for another model. It may come after `ready`.
   */
  storage: { readonly model: string; readonly reason: string }
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
}

export type EventName = keyof EdgewardEvents
export type Listener<E extends EventName> = (event: EdgewardEvents[E]) => void
