/** The cost model: what a placement is expected to take for one request. Pure. */
import type { Backend, Estimate, Manifest, Variant } from '../contract/index.js'
import type { EndpointFacts, PlanInput } from './plan-input.js'

/** What one variant is expected to take on one backend. */
export function estimateDevice(_input: PlanInput, _manifest: Manifest, _variant: Variant, _backend: Backend): Estimate {
  return unknownEstimate
}

/** What an endpoint is expected to take. */
export function estimateEndpoint(_input: PlanInput, _endpoint: EndpointFacts): Estimate {
  return unknownEstimate
}

const unknownEstimate: Estimate = {
  basis: 'assumed',
  samples: 0,
  readyMs: { typical: 0, high: 0 },
  firstOutputMs: { typical: 0, high: 0 },
  unitMs: 0,
  totalMs: { typical: 0, high: 0 },
  downloadBytes: 0,
  memoryBytes: 0,
}
