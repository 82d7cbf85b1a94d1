/** Rests: how a plan heeds that device placements have failed, also those that take as much memory. Pure. */
import type { Manifest, RestingPlacement } from '../contract/index.js'
import { inWords } from './amounts.js'
import type { Estimators } from './candidates.js'
import { defaultBackends, type Costed, type Obstacle } from './obstacles.js'
import { placementName, type PlanInput } from './plan-input.js'

/** Says why a placement is kept from requests, if so. */
export type RestOf = (costed: Costed) => RestingPlacement | undefined

/** A placement that has failed for lack of memory, and what it takes. */
interface TooLarge {
  readonly name: string
  readonly rest: RestingPlacement
  readonly memoryBytes: number
}

/**
 * A placement rests by itself, or because another one of the model, which takes no more memory, found too little of it or
 * killed the page. What is ready has found its room.
 */
export function heedRests(input: PlanInput, manifest: Manifest, estimators: Estimators): RestOf {
  const { resting } = input
  if (resting.size === 0) return () => undefined
  const tooLarge = placementsTooLarge(input, manifest, estimators)
  return ({ placement, estimate, readiness }) => {
    const own = resting.get(placementName(placement))
    if (own?.use === 'never' || readiness === 'ready') return own
    const smaller = tooLarge.filter(({ memoryBytes }) => memoryBytes <= estimate.memoryBytes)
    const found = smaller.find(({ rest }) => rest.use === 'never') ?? (own === undefined ? smaller[0] : undefined)
    if (found === undefined) return own
    return { ...found.rest, reason: `${found.rest.reason} (${found.name}, which takes no more memory)` }
  }
}

/** Why a placement is not used even where nobody else can answer. */
export function restObstacle(rest: RestingPlacement | undefined): Obstacle | undefined {
  if (rest?.use !== 'never') return undefined
  const { code, reason, remainingMs } = rest
  return { code, reason: `${reason}; it is tried again in ${inWords(remainingMs)}` }
}

function placementsTooLarge(input: PlanInput, manifest: Manifest, estimators: Estimators): readonly TooLarge[] {
  return defaultBackends.flatMap((backend) =>
    manifest.variants.flatMap((variant): readonly TooLarge[] => {
      const name = placementName({ engine: 'device', backend, variant: variant.dtype })
      const rest = input.resting.get(name)
      if (rest === undefined || !isForMemory(rest)) return []
      return [{ name, rest, memoryBytes: estimators.device(input, manifest, variant, backend).memoryBytes }]
    }),
  )
}

/** A page is killed for the memory that it takes, as far as anybody can tell. */
function isForMemory({ code, use }: RestingPlacement): boolean {
  return code === 'OUT_OF_MEMORY' || (code === 'WORKER_DIED' && use === 'never')
}
