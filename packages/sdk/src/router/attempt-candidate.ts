/** A placement that can be tried for one request, and who is asked. */
import type { Engine, PlannedPlacement } from '../contract/index.js'

export interface Candidate {
  readonly planned: PlannedPlacement
  readonly engine: Engine
  /** Of one that was tried before in this request. */
  readonly again?: Again
}

/** Why a placement is tried another time. */
export type Again =
  | { readonly kind: 'replay' }
  /** `dueAt`: not before then, by `performance.now()`; `spent`: what the budget gave for it. */
  | { readonly kind: 'retry'; readonly dueAt: number; readonly spent: number }
