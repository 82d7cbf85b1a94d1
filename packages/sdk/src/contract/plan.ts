/** Placements and plans: where a request can run, in which order, and why. */
import type { ErrorCode } from '../errors/index.js'
import type { Backend, VariantDtype } from './manifest.js'

/** One place where a request can run. */
export type Placement =
  | { readonly engine: 'device'; readonly backend: Backend; readonly variant: VariantDtype }
  | { readonly engine: 'remote'; readonly endpoint: string }

/** A placement of a plan, with the reason it stands where it does. */
export interface PlannedPlacement {
  readonly placement: Placement
  readonly reason: string
}

/**
 * A placement that will not be tried, with the reason and the code that a request without others would end with.
 * An engine alone means all its placements.
 */
export interface RuledOutPlacement {
  readonly placement: Placement | { readonly engine: Placement['engine'] }
  readonly code: ErrorCode
  readonly reason: string
}

/** The ordered placements for a request, and those ruled out. */
export interface Plan {
  readonly model: string
  readonly placements: readonly PlannedPlacement[]
  readonly ruledOut: readonly RuledOutPlacement[]
}
