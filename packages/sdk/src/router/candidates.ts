/** Candidates: the placements that can be tried, with what their order is made from; the others are ruled out. Pure. */
import type {
  Backend,
  Estimate,
  Manifest,
  Placement,
  Readiness,
  RestingPlacement,
  RuledOutPlacement,
  RunFit,
  Variant,
} from '../contract/index.js'
import { estimateDevice, estimateEndpoint } from './estimate.js'
import {
  backendObstacle,
  costObstacle,
  defaultBackends,
  deviceObstacle,
  isManifest,
  isNear,
  needsMuchData,
  remoteObstacle,
  taskObstacle,
  type Obstacle,
} from './obstacles.js'
import { heedRests, restObstacle, type RestOf } from './resting.js'
import { placementName, type EndpointFacts, type PlanInput } from './plan-input.js'

export interface DeviceCandidate {
  readonly engine: 'device'
  readonly placement: Extract<Placement, { engine: 'device' }>
  readonly estimate: Estimate
  readonly readiness: Readiness
  readonly missingBytes: number | undefined
  /** How many times as slow it is as it was; 1 where nothing is known. */
  readonly drift: number
  /** Its weights would be downloaded although data is to be saved. */
  readonly isAgainstSaving: boolean
  /** It has failed: it comes last. */
  readonly resting: RestingPlacement | undefined
}

export interface EndpointCandidate {
  readonly engine: 'remote'
  readonly placement: Extract<Placement, { engine: 'remote' }>
  readonly estimate: Estimate
  readonly facts: EndpointFacts
}

export type Candidate = DeviceCandidate | EndpointCandidate

/** Where the estimates come from. */
export interface Estimators {
  readonly device: typeof estimateDevice
  readonly endpoint: typeof estimateEndpoint
}

export const costModel: Estimators = { device: estimateDevice, endpoint: estimateEndpoint }

export interface Judged<C extends Candidate> {
  readonly candidates: readonly C[]
  readonly ruledOut: readonly RuledOutPlacement[]
}

export function judgeEndpoints(input: PlanInput, estimators: Estimators): Judged<EndpointCandidate> {
  const { endpoints, manifest, task } = input
  if (endpoints.length === 0) return allOut('remote', { code: 'NO_PLACEMENT', reason: 'the client has no endpoint' })
  const against = remoteObstacle(input) ?? taskObstacle(manifest, task)
  const candidates: EndpointCandidate[] = []
  const ruledOut: RuledOutPlacement[] = []
  for (const known of endpoints) {
    const facts = admitted(known, input)
    const placement = { engine: 'remote', endpoint: facts.endpoint } as const
    if (against) ruledOut.push({ placement, ...against })
    else candidates.push({ engine: 'remote', placement, estimate: estimators.endpoint(input, facts), facts })
  }
  return { candidates, ruledOut }
}

/** @param canEndpointAnswer - whether somebody else is there, who saves the user a download */
export function judgeDevice(
  input: PlanInput,
  estimators: Estimators,
  canEndpointAnswer: boolean,
): Judged<DeviceCandidate> {
  const { manifest, task, capabilities, device } = input
  const obstacle = deviceObstacle(capabilities, device.enabled) ?? taskObstacle(manifest, task)
  if (obstacle) return allOut('device', obstacle)
  if (!isManifest(manifest))
    return allOut('device', { code: manifest.code, reason: manifest.message, details: manifest.details })
  const candidates: DeviceCandidate[] = []
  const ruledOut: RuledOutPlacement[] = []
  const restOf = heedRests(input, manifest, estimators)
  const judging = { input, manifest, estimators, canEndpointAnswer, restOf }
  for (const backend of device.backends ?? defaultBackends) {
    for (const variant of manifest.variants) {
      const judged = judgeVariant(judging, variant, backend)
      if ('code' in judged) ruledOut.push(judged)
      else candidates.push(judged)
    }
  }
  return { candidates, ruledOut: [...ruledOut, ...unwantedBackends(input, manifest)] }
}

/** Whether weights are to be downloaded only where nobody else can answer. */
export function savesData({ policy, conditions }: Pick<PlanInput, 'policy' | 'conditions'>): boolean {
  return policy.saveData === 'on' || (policy.saveData === 'auto' && conditions.saveData)
}

/** Whether all weights are on the device. */
export function isOnDevice(candidate: Candidate): boolean {
  return candidate.engine === 'device' && isNear(candidate.readiness)
}

/** Whether it failed just now. */
export function isResting(candidate: Candidate): boolean {
  return (candidate.engine === 'remote' ? candidate.facts : candidate).resting !== undefined
}

/** From the call to the answer, once it is ready. */
export function onceReadyMs({ totalMs, readyMs }: Estimate): number {
  return Math.max(0, totalMs.typical - readyMs.typical)
}

/** Where nobody else can answer now, a request shows whether an endpoint whose rest is over answers again. */
function admitted(facts: EndpointFacts, { endpoints, device, readiness, resting: rests }: PlanInput): EndpointFacts {
  if (facts.resting?.remainingMs !== 0) return facts
  const isOtherAwake = endpoints.some(({ resting }) => resting === undefined)
  const isDeviceNear = device.enabled && [...readiness].some(([name, state]) => isNear(state) && !rests.has(name))
  return isOtherAwake || isDeviceNear ? facts : { ...facts, resting: undefined }
}

interface Judging {
  readonly input: PlanInput
  readonly manifest: Manifest
  readonly estimators: Estimators
  readonly canEndpointAnswer: boolean
  readonly restOf: RestOf
}

function judgeVariant(
  { input, manifest, estimators, canEndpointAnswer, restOf }: Judging,
  variant: Variant,
  backend: Backend,
): DeviceCandidate | RuledOutPlacement {
  const placement = { engine: 'device', backend, variant: variant.dtype } as const
  const against = backendObstacle(backend, variant, manifest, input)
  if (against) return { placement, ...against }
  const name = placementName(placement)
  const estimate = estimators.device(input, manifest, variant, backend)
  const costed = { placement, estimate, readiness: input.readiness.get(name) ?? 'absent' }
  const isSaving = savesData(input)
  const resting = restOf(costed)
  const tooMuch = costObstacle(costed, input, isSaving && canEndpointAnswer) ?? restObstacle(resting)
  if (tooMuch) return { placement, ...tooMuch }
  return {
    engine: 'device',
    ...costed,
    missingBytes: input.missing?.[variant.dtype]?.bytes,
    drift: driftOf(input.measurements.get(name)?.run),
    isAgainstSaving: isSaving && needsMuchData(costed),
    resting,
  }
}

/** What its estimates say already, and what they do not yet. */
function driftOf(run: RunFit | undefined): number {
  return run === undefined ? 1 : run.drift * (run.levelChange ?? 1)
}

function unwantedBackends({ device: { backends } }: PlanInput, { variants }: Manifest): RuledOutPlacement[] {
  if (backends === undefined) return []
  const reason = `the client was created with backends: [${backends.join(', ')}]`
  return defaultBackends
    .filter((backend) => !backends.includes(backend))
    .flatMap((backend) =>
      variants.map(({ dtype }): RuledOutPlacement => {
        return { placement: { engine: 'device', backend, variant: dtype }, code: 'BACKEND_UNAVAILABLE', reason }
      }),
    )
}

function allOut(engine: Placement['engine'], obstacle: Obstacle): Judged<never> {
  return { candidates: [], ruledOut: [{ placement: { engine }, ...obstacle }] }
}
