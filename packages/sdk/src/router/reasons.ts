/** Reasons: why a placement stands where it does, in words for people. Pure. */
import type { Placement } from '../contract/index.js'
import { bytesInWords, inWords } from './amounts.js'
import type { Candidate, DeviceCandidate, EndpointCandidate } from './candidates.js'
import type { PlanInput } from './plan-input.js'
import { lateness } from './shifts.js'

export interface Standing {
  readonly order: readonly Candidate[]
  readonly index: number
  /** Why the first is first, where it was not by preference. */
  readonly whyFirst: string | undefined
  /** What is made ready meanwhile. */
  readonly prepareNext: Placement | undefined
}

export function reasonOf(candidate: Candidate, standing: Standing, input: PlanInput): string {
  const parts = [
    roleOf(candidate, standing, input),
    candidate.engine === 'device' ? restOfDevice(candidate) : undefined,
    candidate.engine === 'device' ? stateOfDevice(candidate) : stateOfEndpoint(candidate),
    expectation(candidate, input),
    candidate.engine === 'device' ? hardware(candidate, input) : undefined,
  ]
  return parts.filter((part) => part !== undefined).join('; ')
}

function roleOf(candidate: Candidate, { order, index, whyFirst, prepareNext }: Standing, input: PlanInput): string {
  if (index === 0) {
    if (candidate.engine === 'remote' && prepareNext !== undefined) return meanwhile(order, prepareNext)
    return whyFirst ?? preference(candidate, input)
  }
  const before = new Set(order.slice(0, index).map(({ engine }) => engine))
  if (before.size > 1 || before.has(candidate.engine)) return 'answers when those before it cannot'
  return candidate.engine === 'device' ? 'answers when the endpoint cannot' : 'answers when the device cannot'
}

function meanwhile(order: readonly Candidate[], next: Placement): string {
  const coming = order.find(({ placement }) => placement === next)
  const bytes = coming?.estimate.downloadBytes ?? 0
  const size = bytes > 0 ? ` (${bytesInWords(bytes)})` : ''
  return `answers while the model${size} is on its way to the device`
}

function preference({ engine }: Candidate, { policy: { prefer }, device, purpose }: PlanInput): string {
  if (engine === 'remote') {
    if (!device.enabled) return 'the client has no other engine'
    if (prefer === 'fastest') return 'expected to be the fastest'
    return prefer === 'remote' ? 'the policy prefers the endpoint' : 'the device cannot answer now'
  }
  if (purpose === 'prepare' && prefer !== 'remote') return 'the device is to be made ready'
  if (prefer === 'fastest') return 'expected to be the fastest'
  return prefer === 'remote' ? 'no endpoint can answer' : 'the policy prefers the device'
}

function stateOfDevice({ readiness, estimate, missingBytes, isAgainstSaving }: DeviceCandidate): string {
  if (readiness === 'ready') return 'ready'
  if (readiness === 'cached') return 'in the cache'
  const size = bytesInWords(missingBytes ?? estimate.downloadBytes)
  const coming =
    readiness === 'loading' ? `its weights (${size}) are on their way` : `${size} have to be downloaded first`
  return isAgainstSaving ? `${coming}: data is to be saved, but nobody else can answer` : coming
}

function restOfDevice({ resting }: DeviceCandidate): string | undefined {
  return resting && `rests for another ${inWords(resting.remainingMs)} after ${resting.code}: ${resting.reason}`
}

function stateOfEndpoint({ facts: { resting, isSpared, load } }: EndpointCandidate): string | undefined {
  if (resting?.remainingMs === 0) return `failed with ${resting.code}, and has not been seen to answer since`
  if (resting) return `rests for another ${inWords(resting.remainingMs)} after ${resting.code}`
  if (!isSpared) return undefined
  return load ? `loaded to ${Math.round(load.utilization * 100)}%` : 'loaded'
}

function expectation(candidate: Candidate, input: PlanInput): string {
  const { basis, totalMs } = candidate.estimate
  const time = `${basis === 'assumed' ? 'assumed' : 'expected'} to answer in ${inWords(totalMs.typical)}`
  return lateness(candidate, input) > 0 ? `${time}, which may be too late for this policy` : time
}

function hardware({ placement }: DeviceCandidate, { capabilities }: PlanInput): string {
  const { webgpu, crossOriginIsolated } = capabilities
  if (placement.backend === 'webgpu')
    return `the GPU is ${webgpu?.vendor || 'unnamed'} ${webgpu?.architecture ?? ''}`.trimEnd()
  return `the CPU ${crossOriginIsolated ? 'with threads' : 'on one thread: the page is not cross-origin isolated'}`
}
