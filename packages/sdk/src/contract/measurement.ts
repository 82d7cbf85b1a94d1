/** Measurements: what placements were seen to do, and what is made of it. All times are milliseconds. */
import type { ErrorCode } from '../errors/index.js'

/** A duration as it usually is, and as it is once in twenty times (the 95th percentile). */
export interface Range {
  readonly typical: number
  readonly high: number
}

/** One thing that was timed. */
export interface Sample {
  /** How much work it was: see {@link PlanRequestSize}. */
  readonly units: number
  readonly ms: number
  /** When, in milliseconds since 1970. */
  readonly at: number
}

/** What is kept of a placement, by its key: oldest first, only the newest of each. */
export interface MeasurementRecord {
  /** The model's revision, variant, backend, adapter and browser version, for runs also the task; or endpoint, model and task. */
  readonly key: string
  /** Runs: from the first tensor's preparation to the output, without waiting. */
  readonly runs: readonly Sample[]
  /** Loads from the cache: files, sessions, canaries. `units` is bytes. */
  readonly loads: readonly Sample[]
  /** Why this placement must not be used, if so: `CANARY_FAILED`. */
  readonly verdict?: { readonly code: ErrorCode; readonly reason: string; readonly at: number }
  /** How often its output was compared with another placement's, and was the same within the manifest's tolerance. */
  readonly agreement?: { readonly compared: number; readonly agreed: number }
  /** When something was last added, in milliseconds since 1970. */
  readonly usedAt: number
}

/** Robust fit of runs: `fixedMs + unitMs × units`, off by `highFactor` once in twenty times. */
export interface RunFit {
  readonly fixedMs: number
  readonly unitMs: number
  /** The 95th percentile of measured ÷ fitted; at least 1. */
  readonly highFactor: number
  readonly samples: number
  /** The newest runs ÷ what was fitted: 1.5 is a machine that has just become half again as slow. */
  readonly drift: number
  /** What was fitted ÷ what the runs before the last lasting change would have given; absent: no such change is known. */
  readonly levelChange?: number
  /** When the newest run ended, in milliseconds since 1970. */
  readonly lastAt: number
}

/** What the plan reads of a record. */
export interface PlacementMeasurements {
  readonly run?: RunFit
  /** Of a load from the cache. */
  readonly loadMs?: Range
  readonly verdict?: MeasurementRecord['verdict']
  readonly agreement?: MeasurementRecord['agreement']
}

/** What this device's arithmetic was measured at, in floating-point operations a second. */
export interface Benchmark {
  /** One thread of WASM SIMD. */
  readonly wasmFlops: number
  /** Absent where there is no GPU. */
  readonly webgpuFlops?: number
  /** When, in milliseconds since 1970. */
  readonly at: number
}

/** What the network was measured at. */
export interface LinkMeasurement {
  readonly bytesPerSecond?: number
}

/**
 * How much work a request is. Of `feature-extraction`: tokens, taken as a quarter of the characters, at least one for each
 * text; of `image-to-text`: megapixels; of `text-generation`: generated tokens, and an eighth of the prompt's; of `tensors`: thousands of input elements. Only compared with itself.
 */
export type PlanRequestSize = number
