/** The engines that a request may reach. */
import type { ResolvedPolicy } from '../contract/index.js'
import type { Engines } from '../router/index.js'

/** By construction, not by a check further down: a request that stays here never meets an engine that has a network. */
export function reachableEngines(engines: Engines, { residency, offline }: ResolvedPolicy): Engines {
  const { device } = engines
  if (residency !== 'local-only' && !offline) return engines
  return { ...(device && { device }), remotes: new Map() }
}
