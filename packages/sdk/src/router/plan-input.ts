/** What a plan is made from: everything that is known when a request comes in, as plain data. */
import type {
  Backend,
  Benchmark,
  Capabilities,
  Conditions,
  Lane,
  LinkMeasurement,
  Manifest,
  MissingByVariant,
  Placement,
  PlacementMeasurements,
  PlanRequestSize,
  Readiness,
  ResolvedPolicy,
  RestingPlacement,
  TaskName,
  VariantDtype,
} from '../contract/index.js'
import type { EdgewardError, ErrorCode } from '../errors/index.js'

/** What an endpoint said of its load, in ORCA's terms. */
export interface EndpointLoad {
  /** 0 to 1, and above when it is overloaded. */
  readonly utilization: number
  /** How long a request that comes now would wait, in milliseconds. */
  readonly expectedWaitMs?: number
  /** When it said so, by `performance.now()`. */
  readonly at: number
}

/** What is known of an endpoint. */
export interface EndpointFacts {
  readonly endpoint: string
  readonly measurements?: PlacementMeasurements | undefined
  /** It was last measured so long ago that a slow answer then says little of now. */
  readonly isMeasuredLongAgo?: boolean
  /** Its last load report that is recent enough to mean something. */
  readonly load?: EndpointLoad | undefined
  /** It is so loaded that requests which the device can answer stay away; see `endpoint-load.ts`. */
  readonly isSpared: boolean
  /**
   * It failed just now: it comes last until this time has passed. At 0 it comes last where somebody else can answer now,
   * until it was seen to answer again.
   */
  readonly resting?: { readonly code: ErrorCode; readonly remainingMs: number } | undefined
}

export interface PlanInput {
  readonly model: string
  readonly task: TaskName
  /** The manifest, or why there is none. */
  readonly manifest: Manifest | EdgewardError
  readonly capabilities: Capabilities
  readonly conditions: Conditions
  readonly policy: ResolvedPolicy
  /** Whether the client has a device engine, the backends the caller insists on, best first, and WASM threads. */
  readonly device: {
    readonly enabled: boolean
    readonly backends: readonly Backend[] | undefined
    readonly threads: number
  }
  /** The only variants that can be had, because they are in the cache, and why no other can; absent: all can. */
  readonly onlyCached?: { readonly variants: readonly VariantDtype[]; readonly reason: string } | undefined
  /** What of each variant is not in the cache, where somebody asked. */
  readonly missing?: MissingByVariant | undefined
  /** What became of the model's weights when they were last loaded, if that is worth telling. */
  readonly storage?: string | undefined
  /** In the order of the client's options. */
  readonly endpoints: readonly EndpointFacts[]
  /** In which order endpoints that do not rest are asked; absent: the fastest first. */
  readonly endpointOrder?: 'measured' | 'given' | undefined
  readonly units: PlanRequestSize
  readonly lane: Lane
  /** `prepare`: somebody waits until the device is ready, and nobody for an answer. */
  readonly purpose: 'answer' | 'prepare'
  /** Of the device's placements, by {@link placementName}; absent there: `absent`. */
  readonly readiness: ReadonlyMap<string, Readiness>
  /** Of the device's placements, by {@link placementName}. */
  readonly measurements: ReadonlyMap<string, PlacementMeasurements>
  /** The device's placements that rest after failures, by {@link placementName}. */
  readonly resting: ReadonlyMap<string, RestingPlacement>
  readonly benchmark?: Benchmark | undefined
  readonly link: LinkMeasurement
}

/** Tells the placements of one model apart. */
export function placementName(placement: Placement): string {
  return placement.engine === 'device' ? `${placement.backend}/${placement.variant}` : placement.endpoint
}
