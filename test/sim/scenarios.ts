/** The two scenarios: a fleet on an ordinary day, and ten times what the endpoint can do. */
import { edgeward } from './edgeward.js'
import { alwaysDevice, alwaysRemote, availabilityCheck } from './peers.js'
import type { Strategy } from './replay.js'
import { makeVisits, type Visit } from './visits.js'
import { endpoint, fleet, models, surge, visits } from './world.js'

export const strategies = {
  device: { name: 'always device', isPausing: false, createClient: alwaysDevice },
  remote: { name: 'always remote', isPausing: false, createClient: alwaysRemote },
  availability: { name: 'availability check', isPausing: false, createClient: availabilityCheck },
  edgewardDevice: edgeward('Edgeward, `prefer: device`', { prefer: 'device' }),
  edgewardFastest: edgeward('Edgeward, `prefer: fastest`', { prefer: 'fastest' }),
} as const satisfies Readonly<Record<string, Strategy>>

export function fleetVisits(seed: number, requests: number = fleet.requests): readonly Visit[] {
  // As many visits a second for a smaller fleet.
  const within = (fleet.visitsStartWithinMs * requests) / fleet.requests
  return makeVisits({ seed, requests, startOf: (random) => random.between(0, within) })
}

/** How many requests a second the endpoint answers at most, of the models and texts that the visits have. */
export function endpointCapacity(): number {
  const shares = models.reduce((sum, { share }) => sum + share, 0)
  const meanOperations =
    models.reduce((sum, { share, operationsPerUnit }) => sum + share * operationsPerUnit, 0) / shares
  const { median, spread } = visits.tokens
  const meanTokens = median * Math.exp(spread ** 2 / 2)
  return endpoint.workers / (endpoint.fixedMs / 1000 + (meanOperations * meanTokens) / endpoint.flops)
}

/** A site whose requests go to the endpoint, unless it is loaded. */
export const surgeStrategies = {
  remote: strategies.remote,
  none: edgeward('Edgeward, load not heeded', { prefer: 'remote', loadSharing: 'none' }),
  refusals: edgeward('Edgeward, `loadReports: false`', { prefer: 'remote', loadSharing: 'refusals' }),
  reports: edgeward('Edgeward', { prefer: 'remote' }),
} as const satisfies Readonly<Record<string, Strategy>>

/**
 * Half of what the endpoint can do, then ten times as much, then half again; requests come some time after the visit began.
 *
 * @param share - of the visits, for an endpoint that is slower by as much
 */
export function surgeVisits(seed: number, share: number): readonly Visit[] {
  const { calmMs, surgeMs, calmLoad, surgeLoad } = surge
  const calm = calmMs * calmLoad
  const total = 2 * calm + surgeMs * surgeLoad
  return makeVisits({
    seed,
    requests: Math.round((total / 1000) * endpointCapacity() * share),
    startOf(random) {
      const drawn = random.between(0, total)
      if (drawn < calm) return drawn / calmLoad
      if (drawn >= total - calm) return calmMs + surgeMs + (drawn - total + calm) / calmLoad
      return calmMs + (drawn - calm) / surgeLoad
    },
  })
}
