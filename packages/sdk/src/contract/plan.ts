/** Placements and plans: where a request can run, in which order, and why. */
import type { ErrorCode, ErrorDetails } from '../errors/index.js'
import type { Backend, VariantDtype } from './manifest.js'
import type { Range } from './measurement.js'

/** One place where a request can run. */
export type Placement =
  | { readonly engine: 'device'; readonly backend: Backend; readonly variant: VariantDtype }
  | { readonly engine: 'remote'; readonly endpoint: string }

/** What of a variant, assets included, is not in the cache. */
export interface MissingWeights {
  /** The files that lack a chunk, by their paths in the manifest. */
  readonly files: readonly string[]
  /** Bytes of the chunks that are missing. */
  readonly bytes: number
}

/** What a download of each variant would fetch. */
export type MissingByVariant = { readonly [D in VariantDtype]?: MissingWeights }

/** What a placement is expected to take for one request. */
export interface Estimate {
  /** What it rests on: runs of this model here; this device's arithmetic, as measured; or nothing but assumptions. */
  readonly basis: 'measured' | 'benchmark' | 'assumed'
  /** How many runs were measured. */
  readonly samples: number
  /** Until it can begin, in milliseconds: download, session, canary; 0 when it is ready. At an endpoint, its queue. */
  readonly readyMs: Range
  /** From the start of the run to the first output, in milliseconds. */
  readonly firstOutputMs: Range
  /** Each unit of work, in milliseconds; see {@link PlanRequestSize}. */
  readonly unitMs: number
  /** Of generated text, where it was measured: tokens a second after the first. */
  readonly tokensPerSecond?: number
  /** From the call to the answer, in milliseconds. */
  readonly totalMs: Range
  /** Bytes that have to be downloaded first. */
  readonly downloadBytes: number
  /** Bytes of memory that the model takes on the device. */
  readonly memoryBytes: number
}

/** How near a placement is to its first run. At an endpoint always `ready`. */
export type Readiness = 'ready' | 'loading' | 'cached' | 'absent'

/** A placement of a plan, with the reason it stands where it does. */
export interface PlannedPlacement {
  readonly placement: Placement
  readonly reason: string
  readonly estimate: Estimate
  readonly readiness: Readiness
  /**
   * Bytes of its weights that have to be downloaded; 0: all of them are in the cache. Absent at an endpoint, and where
   * nobody asked (`explain` does).
   */
  readonly missingBytes?: number
}

/**
 * A placement that will not be tried, with the reason and the code that a request without others would end with.
 * An engine alone means all its placements.
 */
export interface RuledOutPlacement {
  readonly placement: Placement | { readonly engine: Placement['engine'] }
  readonly code: ErrorCode
  readonly reason: string
  /** Facts that a program may read, such as what is missing for `NOT_CACHED`. */
  readonly details?: ErrorDetails
}

/** The ordered placements for a request, and those ruled out. */
export interface Plan {
  readonly model: string
  readonly placements: readonly PlannedPlacement[]
  readonly ruledOut: readonly RuledOutPlacement[]
  /** What of the machine's conditions, the endpoints' load or the policy has shifted the order, in sentences. */
  readonly shifts: readonly string[]
  /** The device placement that is to be made ready in the background, while another one answers. */
  readonly prepareNext?: Extract<Placement, { engine: 'device' }>
  /**
   * A device placement that is ready, and is not used because it is expected to be slow. Run again in the background now
   * and then, a device that has recovered comes back.
   */
  readonly remeasure?: Extract<Placement, { engine: 'device' }>
  /** Why the model is not ready on the device, though it was to be made so in the background; `explain` tells. */
  readonly background?: string
  /** Why the model's weights could not be kept, or what had to go for them, when they were last loaded. */
  readonly storage?: string
}
