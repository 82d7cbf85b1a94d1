/** Makes models ready in the background, at low priority, while an endpoint answers. */
import type { ModelSource, Placement, Plan } from '../contract/index.js'
import { toEdgewardError, type EdgewardError, type ErrorCode } from '../errors/index.js'
import { placementName } from '../router/index.js'
import { ForegroundRequests } from './foreground-requests.js'
import { isEndedInOrder } from './learning.js'
import type { Planned } from './planner.js'

type DevicePlacement = NonNullable<Plan['prepareNext']>

/** What background loads are done with. */
export interface BackgroundLoadParts {
  /** The device engine's `prepare`. */
  prepare(placement: Placement, source: ModelSource, signal: AbortSignal, priority: 'low'): Promise<void>
  /** Tells the worker how many requests of this page need the network now. Nobody waits for it; it never throws. */
  foreground(requests: number): void
  /** A placement could not be made ready. @param durationMs - how long that took */
  onFailed(planned: Planned, placement: DevicePlacement, error: EdgewardError, durationMs: number): void
  /** Aborts when the client is disposed. */
  readonly signal: AbortSignal
  /** `performance.now()`, when absent. */
  readonly now?: () => number
}

type Load =
  | { readonly is: 'loading'; readonly revision: string }
  | {
      readonly is: 'failed'
      readonly revision: string
      readonly failures: number
      /** Not before, by the clock of `now`. */
      readonly againAt: number
      readonly reason: string
    }

/** How long a load rests after its first failure; doubles with each one after. */
const restMs = 30_000
const longestRestMs = 10 * 60_000
/** Codes that say something of the device, for good: trying again would download for nothing. */
const codesForGood: readonly ErrorCode[] = ['CANARY_FAILED']

export class BackgroundLoads {
  readonly #parts: BackgroundLoadParts
  readonly #foreground: ForegroundRequests
  readonly #now: () => number
  /** By model and placement; what succeeded is gone. */
  readonly #loads = new Map<string, Map<string, Load>>()

  constructor(parts: BackgroundLoadParts) {
    this.#parts = parts
    this.#foreground = new ForegroundRequests((requests) => parts.foreground(requests))
    this.#now = parts.now ?? (() => performance.now())
  }

  /** After each plan: starts the load that it asks for, unless that is under way or rests after a failure. Never throws. */
  consider(planned: Planned, placement: DevicePlacement | undefined, source: ModelSource | undefined): void {
    if (placement === undefined || source === undefined || this.#parts.signal.aborted) return
    const { revision } = source.manifest
    const loads = this.#loadsOf(planned.model)
    const place = placementName(placement)
    const before = loads.get(place)
    const known = before?.revision === revision ? before : undefined
    if (known?.is === 'loading' || (known && this.#now() < known.againAt)) return
    loads.set(place, { is: 'loading', revision })
    const startedAt = this.#now()
    const load = () => this.#parts.prepare(placement, source, this.#parts.signal, 'low')
    this.#foreground.whileLoading(load).then(
      () => this.#settle(planned.model, place, revision),
      (thrown: unknown) => {
        if (this.#parts.signal.aborted) return
        const error = toEdgewardError(thrown, 'INTERNAL', `${planned.model} could not be made ready in the background`)
        if (isEndedInOrder(error)) {
          this.#settle(planned.model, place, revision, known)
          return
        }
        const failures = (known?.failures ?? 0) + 1
        const againAt = this.#now() + restAfter(error.code, failures)
        const reason = `making it ready in the background at ${place} failed with ${error.code}: ${error.message}`
        this.#settle(planned.model, place, revision, { is: 'failed', revision, failures, againAt, reason })
        this.#parts.onFailed(planned, placement, error, this.#now() - startedAt)
      },
    )
  }

  /** Why a model is not ready on the device though it was to be made so in the background: the newest failure, if any. */
  reasonOf(model: string): string | undefined {
    const loads = [...(this.#loads.get(model)?.values() ?? [])]
    return loads.flatMap((load) => (load.is === 'failed' ? [load.reason] : [])).at(-1)
  }

  /** Runs a request to an endpoint: downloads of low priority pause meanwhile. */
  withForeground<V>(request: () => Promise<V>): Promise<V> {
    return this.#foreground.during(request)
  }

  /** Runs another download of low priority, such as an update: it pauses for requests to endpoints, too. */
  whileLoading<V>(load: () => Promise<V>): Promise<V> {
    return this.#foreground.whileLoading(load)
  }

  #loadsOf(model: string): Map<string, Load> {
    const known = this.#loads.get(model) ?? new Map<string, Load>()
    this.#loads.set(model, known)
    return known
  }

  /** A load of another revision may have begun meanwhile. */
  #settle(model: string, place: string, revision: string, failed?: Load): void {
    const loads = this.#loadsOf(model)
    if (loads.get(place)?.revision !== revision) return
    loads.delete(place) // What is set again is the newest.
    if (failed) loads.set(place, failed)
  }
}

/** A worker that died once took the load with it, which need not be to blame. */
function restAfter(code: ErrorCode, failures: number): number {
  if (codesForGood.includes(code)) return Infinity
  if (code === 'WORKER_DIED' && failures === 1) return 0
  return Math.min(longestRestMs, restMs * 2 ** (failures - 1))
}
