/** Says what would make this page faster or safer. Loaded only when somebody asks. */
import type { Capabilities, Finding, ModelSource, ResolvedPolicy } from '../contract/index.js'
import { diagnoseDevice } from './doctor-device.js'
import { diagnoseEndpoints, type DiagnosedEndpoint } from './doctor-endpoints.js'
import { bytesOfModels, diagnoseModels } from './doctor-models.js'
import { diagnoseRuntime, type LocateRuntime } from './doctor-runtime.js'

/** What the client knows. */
export interface DoctorFacts {
  readonly capabilities: Capabilities
  readonly policy: Pick<ResolvedPolicy, 'residency' | 'offline'>
  /** Whether the client may use the device. */
  readonly device: boolean
  /** The models that the client has used. */
  readonly models: readonly ModelSource[]
  readonly endpoints: readonly DiagnosedEndpoint[]
  readonly locateRuntime: LocateRuntime
}

const severities = ['error', 'warning', 'hint']

/**
 * Asks for the headers of a few files, with deadlines; nothing with the policy `offline`, and no endpoint with `local-only`.
 * Never throws.
 *
 * @returns the worst first
 */
export async function diagnose(facts: DoctorFacts): Promise<readonly Finding[]> {
  const { capabilities, policy, device, models, endpoints } = facts
  const mayAsk = !policy.offline
  const runsHere = device && capabilities.workers && capabilities.wasm !== undefined
  const here = diagnoseDevice(capabilities, bytesOfModels(models))
  const asked = await Promise.all([
    runsHere ? diagnoseRuntime(facts.locateRuntime, mayAsk) : [],
    mayAsk && device ? diagnoseModels(models) : [],
    mayAsk && policy.residency === 'any' ? diagnoseEndpoints(endpoints) : [],
  ])
  return [...here, ...asked.flat()].sort(
    (one, other) => severities.indexOf(one.severity) - severities.indexOf(other.severity),
  )
}
