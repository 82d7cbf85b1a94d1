/** Shifts: what changes the preferred order (conditions, load, deadlines, failures), each with its sentence. Pure. */
import type { Conditions } from '../contract/index.js'
import { bytesInWords, inWords } from './amounts.js'
import { isOnDevice, isResting, type Candidate } from './candidates.js'
import { compareNumbers } from './order.js'
import type { PlanInput } from './plan-input.js'

/** Another order, with the sentence that says why. */
export interface Shift {
  readonly order: readonly Candidate[]
  readonly sentence: string
}

export interface Shifted {
  readonly order: readonly Candidate[]
  readonly shifts: readonly string[]
  /** Why the first is first, where it was not by preference. */
  readonly whyFirst: string | undefined
}

/** A battery that is this low, from 0 to 1, is to be spared. */
const lowBattery = 0.2

/**
 * When a device that is ready leaves it to an endpoint: where it takes so many times as long, and long enough to be felt.
 * Pressure on its CPU says that it will not be better soon.
 */
const slow = Object.freeze({ factor: 2, factorUnderPressure: 1.5, fromMs: 300 })

type Rule = (order: readonly Candidate[], input: PlanInput) => Shift | undefined

/** The later one decides: it moves what the earlier ones left. */
const rulesOfAnswers: readonly Rule[] = [forBackground, forSlowness, forWeakness, forLoad, forDeadline]
const rulesOfAll: readonly Rule[] = [forRest, forSavedData]

export function applyShifts(preferred: readonly Candidate[], input: PlanInput): Shifted {
  const rules = input.purpose === 'prepare' ? rulesOfAll : [...rulesOfAnswers, ...rulesOfAll]
  let shifted: Shifted = { order: preferred, shifts: [], whyFirst: undefined }
  for (const rule of rules) {
    const { order, shifts, whyFirst } = shifted
    const shift = rule(order, input)
    if (shift === undefined || shift.order.every((candidate, index) => candidate === order[index])) continue
    const isNewFirst = shift.order[0] !== order[0]
    shifted = {
      order: shift.order,
      shifts: [...shifts, shift.sentence],
      whyFirst: isNewFirst ? shift.sentence : whyFirst,
    }
  }
  return shifted.order[0] === preferred[0] ? { ...shifted, whyFirst: undefined } : shifted
}

/** Why the device is to be left alone, if so. */
export function weakness({ policy, conditions }: Pick<PlanInput, 'policy' | 'conditions'>): string | undefined {
  const { battery } = conditions
  if (policy.power === 'low') return 'the policy says power: low'
  if (battery !== undefined && !battery.charging && battery.level <= lowBattery)
    return `the battery is at ${Math.round(battery.level * 100)}% and not charging`
  return undefined
}

/**
 * Whether the CPU has much to do. Our own runs do that too, so that it moves no request by itself: it makes slow runs
 * credible, and holds back what nobody waits for.
 */
export function isUnderPressure({ pressure }: Conditions): boolean {
  return pressure === 'serious' || pressure === 'critical'
}

/** By how many milliseconds a candidate is expected to miss what the policy allows; 0: it is in time. */
export function lateness({ estimate }: Candidate, { policy }: PlanInput): number {
  const { readyMs, firstOutputMs, totalMs } = estimate
  return Math.max(
    beyond(totalMs.high, policy.deadlineMs),
    beyond(readyMs.high + firstOutputMs.high, policy.firstOutputMs),
  )
}

/** Whether an endpoint can answer now: it has not just failed. */
export function isAwake(candidate: Candidate): boolean {
  return candidate.engine === 'remote' && !isResting(candidate)
}

function forBackground(order: readonly Candidate[], input: PlanInput): Shift | undefined {
  if (input.lane !== 'background' || weakness(input) !== undefined || !order.some(isReadyDevice)) return undefined
  const sentence = 'in the lane background cost matters more than time: the device, which is ready, goes first'
  return { order: sorted(order, ({ engine }) => (engine === 'device' ? 0 : 1)), sentence }
}

function forSlowness(order: readonly Candidate[], { policy, lane, conditions }: PlanInput): Shift | undefined {
  const [first] = order
  if (policy.prefer !== 'device' || lane === 'background' || first?.engine !== 'device') return undefined
  const { basis, totalMs } = first.estimate
  // A guess that kept the device from being used would never be put right.
  if (basis !== 'measured' || first.readiness !== 'ready' || totalMs.typical < slow.fromMs) return undefined
  const isPressed = isUnderPressure(conditions)
  const factor = isPressed ? slow.factorUnderPressure : slow.factor
  const isFaster = (candidate: Candidate) =>
    isAwake(candidate) && candidate.estimate.totalMs.typical * factor < totalMs.typical
  const became = first.drift > 1 ? `, ${first.drift.toFixed(1)} times what it was` : ''
  const sentence = `the device needs ${inWords(totalMs.typical)}${became}${isPressed ? ', its CPU being under pressure' : ''}: an endpoint that is ${factor} times as fast goes first`
  return { order: sorted(order, (candidate) => (isFaster(candidate) ? 0 : 1)), sentence }
}

function forWeakness(order: readonly Candidate[], input: PlanInput): Shift | undefined {
  const { prefer } = input.policy
  const why = weakness(input)
  if (why === undefined || (prefer !== 'device' && prefer !== 'fastest')) return undefined
  return {
    order: sorted(order, (candidate) => (isAwake(candidate) ? 0 : 1)),
    sentence: `${why}: the endpoint goes first`,
  }
}

/** What the device can answer at once leaves the endpoint to devices that cannot. */
function forLoad(order: readonly Candidate[]): Shift | undefined {
  const spared = order.findIndex((candidate) => candidate.engine === 'remote' && candidate.facts.isSpared)
  if (spared < 0) return undefined
  const before = order.slice(0, spared)
  const rest = order.slice(spared)
  const isInstead = (candidate: Candidate) => isOnDevice(candidate) && !isResting(candidate)
  return {
    order: [...before, ...rest.filter(isInstead), ...rest.filter((candidate) => !isInstead(candidate))],
    sentence: 'the endpoint is loaded: the device, which has the model, goes before it',
  }
}

function forDeadline(order: readonly Candidate[], input: PlanInput): Shift | undefined {
  const { deadlineMs, firstOutputMs } = input.policy
  if (deadlineMs === Infinity && firstOutputMs === Infinity) return undefined
  const limits = [
    ...(deadlineMs === Infinity ? [] : [`the answer within ${inWords(deadlineMs)}`]),
    ...(firstOutputMs === Infinity ? [] : [`the first output within ${inWords(firstOutputMs)}`]),
  ]
  const sentence = `the policy wants ${limits.join(' and ')}: what is expected to miss that goes last, the nearest first`
  return { order: sorted(order, (candidate) => lateness(candidate, input)), sentence }
}

function forRest(order: readonly Candidate[]): Shift | undefined {
  const isOnlyEndpoints = order.every((candidate) => candidate.engine === 'remote' || !isResting(candidate))
  const who = isOnlyEndpoints ? 'an endpoint that has just failed' : 'what has just failed'
  const sentence = `${who} rests: it goes last`
  return { order: sorted(order, (candidate) => (isResting(candidate) ? 1 : 0)), sentence }
}

function forSavedData(order: readonly Candidate[]): Shift | undefined {
  const isAgainst = (candidate: Candidate) => candidate.engine === 'device' && candidate.isAgainstSaving
  const bytes = order.find(isAgainst)?.estimate.downloadBytes ?? 0
  const sentence = `data is to be saved: ${bytesInWords(bytes)} are downloaded only when nobody else has answered`
  return { order: sorted(order, (candidate) => (isAgainst(candidate) ? 1 : 0)), sentence }
}

function isReadyDevice(candidate: Candidate): boolean {
  return candidate.engine === 'device' && candidate.readiness === 'ready' && !isResting(candidate)
}

/** By a number, ascending; equal ones stay as they stand. */
function sorted(order: readonly Candidate[], by: (candidate: Candidate) => number): readonly Candidate[] {
  return order
    .map((candidate) => ({ candidate, key: by(candidate) }))
    .sort((a, b) => compareNumbers(a.key, b.key))
    .map(({ candidate }) => candidate)
}

function beyond(ms: number, limitMs: number): number {
  return ms > limitMs ? ms - limitMs : 0
}
