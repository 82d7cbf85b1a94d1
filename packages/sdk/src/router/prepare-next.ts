/** What is made ready, or measured again, in the background while another placement answers. Pure. */
import type { Plan } from '../contract/index.js'
import { isOnDevice, isResting, onceReadyMs, type Candidate, type DeviceCandidate } from './candidates.js'
import { compareNumbers, rankOf } from './order.js'
import type { PlanInput } from './plan-input.js'
import { weakness } from './shifts.js'

/** A device that is at most this much slower than the endpoint is worth moving to: it costs nothing and works offline. */
const aboutAsFast = 1.2

/** How much faster than the device's own first placement another one must be, to get a session beside it. */
const worthSession = 1.2

/** The same, where it has to be downloaded. */
const worthDownload = 2

export interface InBackground extends Pick<Plan, 'prepareNext' | 'remeasure'> {
  /** What the device's weakness keeps from being prepared. */
  readonly held?: string
}

export function inBackground(order: readonly Candidate[], input: PlanInput): InBackground {
  if (input.purpose === 'prepare' || input.policy.offline) return {}
  const next = moveLater(order, input)
  const again = measureAgain(order, input)
  const why = weakness(input)
  if (why !== undefined) return next === undefined ? {} : { held: `${why}: the model is not brought to the device` }
  return {
    ...(next !== undefined && { prepareNext: next.placement }),
    ...(again !== undefined && { remeasure: again.placement }),
  }
}

function moveLater(order: readonly Candidate[], input: PlanInput): DeviceCandidate | undefined {
  const [first] = order
  if (first === undefined) return undefined
  const { prefer } = input.policy
  const candidates = order.filter(isToBeReady)
  if (first.engine === 'device') {
    // What is waited for is worth its download first.
    if (!isOnDevice(first) || prefer === 'remote') return undefined
    const rank = (candidate: DeviceCandidate) => rankOf(candidate, prefer, input)
    const isWanted = (candidate: DeviceCandidate) =>
      (isOnDevice(candidate) && rank(candidate) < rank(first)) || (prefer !== 'cheapest' && isUpgrade(candidate, first))
    return nearest(candidates.filter(isWanted), input)
  }
  if (prefer === 'fastest') {
    const enoughMs = first.estimate.totalMs.typical * aboutAsFast
    return nearest(
      candidates.filter(({ estimate }) => onceReadyMs(estimate) <= enoughMs),
      input,
    )
  }
  if (order.some(isReady)) return undefined
  return prefer !== 'remote' || first.facts.isSpared ? nearest(candidates, input) : undefined
}

/** A device that is ready, and expected to be slow: one that nobody used would never be seen to be, or become, faster. */
function measureAgain(order: readonly Candidate[], { policy }: PlanInput): DeviceCandidate | undefined {
  if (order[0]?.engine !== 'remote' || policy.prefer === 'remote') return undefined
  return order.find(isReady)
}

/** A guess is no reason to take more of the machine beside what works. */
function isUpgrade(candidate: DeviceCandidate, first: DeviceCandidate): boolean {
  if (candidate.estimate.basis === 'assumed' || first.estimate.basis !== 'measured') return false
  const factor = isOnDevice(candidate) ? worthSession : worthDownload
  return onceReadyMs(candidate.estimate) * factor < onceReadyMs(first.estimate)
}

/** What needs no download, else what is being downloaded; of those what the caller put first, or what will be fastest. */
function nearest(candidates: readonly DeviceCandidate[], input: PlanInput): DeviceCandidate | undefined {
  const rank = (candidate: DeviceCandidate) => rankOf(candidate, input.policy.prefer, input)
  const [best] = [...candidates].sort(
    (a, b) =>
      stepsAway(a) - stepsAway(b) ||
      rank(a) - rank(b) ||
      compareNumbers(onceReadyMs(a.estimate), onceReadyMs(b.estimate)),
  )
  return best
}

function stepsAway(candidate: DeviceCandidate): number {
  if (isOnDevice(candidate)) return 0
  return candidate.readiness === 'loading' ? 1 : 2
}

function isToBeReady(candidate: Candidate): candidate is DeviceCandidate {
  if (candidate.engine === 'remote' || isResting(candidate)) return false
  return candidate.readiness !== 'ready' && !candidate.isAgainstSaving
}

function isReady(candidate: Candidate): candidate is DeviceCandidate {
  return candidate.engine === 'device' && candidate.readiness === 'ready' && !isResting(candidate)
}
