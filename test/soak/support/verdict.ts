/** Judges what became of a request. Pure. */
import type { Attempt, ErrorCode, Placement } from 'edgeward'
import type { FaultName } from './schedule.js'
import type { Asked, Kind } from './traffic.js'

type Settled = { readonly ms: number; readonly isAborted: boolean } & (
  | {
      readonly state: 'answered'
      readonly output: readonly number[]
      readonly placement: Placement
      readonly attempts: readonly Attempt[]
    }
  | {
      readonly state: 'failed'
      readonly name: string
      readonly code?: ErrorCode
      readonly message: string
      readonly attempts: readonly Pick<Attempt, 'placement' | 'code' | 'message'>[]
    }
)

/** As `pages/requests.js` tells it; or its page was taken away, or nothing was ever heard of it. */
export type Outcome = Settled | { readonly state: 'gone' } | { readonly state: 'silent' }

/** What was the case while a request was under way. */
export interface Surroundings {
  /** In which somebody could answer throughout. */
  readonly isBlackout: boolean
  /** What began or went on meanwhile, once for each time. */
  readonly faults: readonly FaultName[]
}

/** The right outputs, by kind and index. */
export type References = Readonly<Record<Kind, readonly (readonly number[])[]>>

/**
 * - `right`: answered as it should be.
 * - `truthful`: an error that says what was the case: the caller's own abort, a deadline that has passed, or a request that
 *   must stay on a device that could not answer it.
 * - `unanswerable`: an error, in a moment in which nobody could answer.
 * - `gone`: the user took its page away.
 * - `wrong`: another output than the reference. `leaked`: it must stay, and was answered elsewhere.
 * - `lost`: an error although somebody could have answered, or nothing at all.
 */
export type Verdict = 'right' | 'truthful' | 'unanswerable' | 'gone' | 'wrong' | 'leaked' | 'lost'

export function judge(asked: Asked, outcome: Outcome, around: Surroundings, references: References): Verdict {
  if (outcome.state === 'gone') return 'gone'
  if (outcome.state === 'silent') return 'lost'
  if (wasElsewhere(asked, outcome)) return 'leaked'
  if (outcome.state === 'answered') {
    return isRight(asked.kind, outcome.output, references[asked.kind][asked.index]) ? 'right' : 'wrong'
  }
  if (outcome.name === 'AbortError') return outcome.isAborted ? 'truthful' : 'lost'
  if (outcome.code === 'DEADLINE_EXCEEDED') return hasPassed(asked, outcome.ms) ? 'truthful' : 'lost'
  if (around.isBlackout && outcome.name === 'EdgewardError') return 'unanswerable'
  return mustStay(asked) && isExcused(outcome, around.faults) ? 'truthful' : 'lost'
}

/** What a device that ran out of memory says of the one request that met it. */
const memoryCodes: readonly ErrorCode[] = ['OUT_OF_MEMORY', 'RUN_FAILED']

/** Whether a request that may only run on the device had no chance there. */
function isExcused({ code, attempts }: Extract<Settled, { state: 'failed' }>, around: readonly FaultName[]): boolean {
  const met = new Set([...attempts.map((attempt) => attempt.code), ...(code === undefined ? [] : [code])])
  met.delete('ALL_PLACEMENTS_FAILED')
  const ranOut = around.some((name) => name === 'a run is out of memory' || name === 'a run throws a number')
  // A request whose worker ends is asked of the next one; it may end in the same moment.
  const deaths = around.filter((name) => name.includes('worker') || name.startsWith('a run')).length
  const excused: readonly ErrorCode[] = [
    ...(ranOut ? memoryCodes : []),
    ...(deaths > 1 ? (['WORKER_DIED'] as const) : []),
  ]
  return met.size > 0 && [...met].every((one) => excused.includes(one))
}

function mustStay({ policy }: Asked): boolean {
  return policy.residency === 'local-only'
}

function wasElsewhere(asked: Asked, outcome: Settled): boolean {
  const placements = outcome.attempts.map(({ placement }) => placement)
  if (outcome.state === 'answered') placements.push(outcome.placement)
  return mustStay(asked) && placements.some(({ engine }) => engine === 'remote')
}

/** Timers may be told a little early. */
const clockMs = 5

function hasPassed({ policy: { deadlineMs = Infinity } }: Asked, ms: number): boolean {
  return ms >= deadlineMs - clockMs
}

/** Vectors of different sentences have less than half of this similarity; 8-bit backends round differently. */
const leastCosine = 0.99
/** Of tiny-mlp's outputs: as its canary allows. */
const tolerance = { absolute: 1e-4, relative: 1e-3 }

function isRight(kind: Kind, output: readonly number[], right: readonly number[] = []): boolean {
  if (output.length !== right.length || right.length === 0) return false
  if (kind === 'text') return cosine(output, right) >= leastCosine
  return output.every((value, at) => {
    const expected = right[at] ?? NaN
    if (kind === 'picture') return value === expected
    // Written so that NaN fails too.
    return Math.abs(value - expected) <= tolerance.absolute + tolerance.relative * Math.abs(expected)
  })
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, index) => sum + value * (y[index] ?? NaN), 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}
