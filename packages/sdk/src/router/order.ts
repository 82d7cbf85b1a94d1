/** Order: how the candidates stand by what the policy prefers and what they are expected to take. Pure. */
import { isOnDevice, onceReadyMs, type Candidate, type DeviceCandidate, type EndpointCandidate } from './candidates.js'
import type { PlanInput } from './plan-input.js'

/** Measured endpoints that are this much slower than an unmeasured one is assumed to be let it try. */
const worthTrying = 2

/** Where a candidate stands: by group, then by the caller's order of backends, then by time. */
interface Standing {
  readonly candidate: Candidate
  readonly group: number
  readonly backend: number
  readonly ms: number
}

/** @param canEndpointAnswer - whether an endpoint that does not rest is there */
export function byPreference(
  devices: readonly DeviceCandidate[],
  endpoints: readonly EndpointCandidate[],
  input: PlanInput,
  canEndpointAnswer: boolean,
): readonly Candidate[] {
  const prefer = preferenceOf(input)
  const endpointGroup = { remote: 0, fastest: 0, device: canEndpointAnswer ? 2 : 6, cheapest: 6 }[prefer]
  const ofDevice = (candidate: DeviceCandidate): Standing => ({
    candidate,
    group: prefer === 'fastest' ? 0 : nearness(candidate),
    backend: rankOf(candidate, prefer, input),
    ms: waitOf(candidate, input.purpose),
  })
  const ofEndpoints = rankEndpoints(endpoints, input).map((standing) => ({
    ...standing,
    group: endpointGroup,
    backend: 0,
  }))
  return [...devices.map(ofDevice), ...ofEndpoints].sort(compareStandings).map(({ candidate }) => candidate)
}

/** Ascending; equal where neither is more, also when both are infinite. */
export function compareNumbers(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Where the caller's order of backends puts it; who wants the fastest has none. */
export function rankOf(
  { placement }: DeviceCandidate,
  prefer: PlanInput['policy']['prefer'],
  { device: { backends } }: PlanInput,
): number {
  return prefer === 'fastest' ? 0 : (backends?.indexOf(placement.backend) ?? 0)
}

/** Who prepares the device wants it first, also when it has to be waited for. */
function preferenceOf({ policy: { prefer }, purpose }: PlanInput): PlanInput['policy']['prefer'] {
  return purpose === 'prepare' && prefer !== 'remote' ? 'cheapest' : prefer
}

/** What is ready comes first; a download that has begun goes on before another one starts. */
function nearness(candidate: DeviceCandidate): number {
  return { ready: 1, cached: 3, loading: 4, absent: 5 }[candidate.readiness]
}

/** Nobody waits for the answer of what is only prepared: there counts how fast it will be. */
function waitOf(candidate: DeviceCandidate, purpose: PlanInput['purpose']): number {
  const isLater = purpose === 'prepare' && !isOnDevice(candidate)
  return isLater ? onceReadyMs(candidate.estimate) : candidate.estimate.totalMs.typical
}

/** Measured ones by their time; an unmeasured one behind those that are not much slower than it is assumed to be. */
function rankEndpoints(
  endpoints: readonly EndpointCandidate[],
  { endpointOrder }: PlanInput,
): Pick<Standing, 'candidate' | 'ms'>[] {
  const timed = (candidate: EndpointCandidate) => ({ candidate, ms: candidate.estimate.totalMs.typical })
  if (endpointOrder === 'given') return asGiven(endpoints.map(timed))
  const measured = endpoints.filter(isMeasured).map(timed)
  const behindMeasured = ({ candidate, ms }: ReturnType<typeof timed>) => {
    const better = measured.filter((other) => other.ms <= worthTrying * ms)
    return { candidate, ms: Math.max(ms, ...better.map((other) => other.ms)) }
  }
  const unmeasured = endpoints.filter((candidate) => !isMeasured(candidate)).map(timed)
  return [...measured, ...unmeasured.map(behindMeasured)]
}

/** As far as the order goes, none is faster than those before it that do not rest: equal ones stay as they stand. */
function asGiven(endpoints: readonly { candidate: EndpointCandidate; ms: number }[]) {
  let slowest = 0
  return endpoints.map(({ candidate, ms }) => {
    if (candidate.facts.resting === undefined) slowest = Math.max(slowest, ms)
    return { candidate, ms: Math.max(slowest, ms) }
  })
}

function isMeasured({ estimate }: Candidate): boolean {
  return estimate.basis === 'measured'
}

function compareStandings(a: Standing, b: Standing): number {
  return a.group - b.group || a.backend - b.backend || compareNumbers(a.ms, b.ms)
}
