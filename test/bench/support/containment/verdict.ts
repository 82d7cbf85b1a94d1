/** What is said of a library in a line of the comparison. Pure. */
import { codesOf, placesOf, problemsOf, type Outcome, type References } from '../../../chaos/support/outcome.js'
import type { Phase } from './subject.js'

/**
 * Of all requests while the failure was there. `survived`: all were answered rightly, if need be after a retry of the library's
 * own; `failed`: one ended with an error; `hung`: one did not settle; `wrong`: one got a wrong answer.
 */
export type Verdict = 'survived' | 'failed' | 'hung' | 'wrong'

/** When all requests were answered again. `never`: not even after the page was loaded anew. */
export type Recovery = 'at once' | 'a minute later' | 'after a reload' | 'never'

export interface PhaseReport {
  readonly phase: Phase
  readonly requests: number
  readonly verdict: Verdict
  readonly ms: number
  /** First lines, without repetition. */
  readonly errors: readonly string[]
  /** Where Edgeward's answers came from, and its failed attempts. */
  readonly places: readonly string[]
  readonly codes: readonly string[]
}

export interface Result {
  readonly verdict: Verdict
  readonly recovery: Recovery
  readonly phases: readonly PhaseReport[]
}

export function resultOf(phases: ReadonlyMap<Phase, readonly Outcome[]>, references: References): Result {
  const reports = [...phases].map(([phase, outcomes]) => reportOf(phase, outcomes, references))
  const during = reports.find(({ phase }) => phase === 'during')
  const recovered = reports.find(({ phase, verdict }) => phase in recoveries && verdict === 'survived')
  return {
    verdict: during?.verdict ?? 'failed',
    recovery: recovered === undefined ? 'never' : (recoveries[recovered.phase] ?? 'never'),
    phases: reports,
  }
}

const recoveries: Readonly<Partial<Record<Phase, Recovery>>> = {
  after: 'at once',
  later: 'a minute later',
  reloaded: 'after a reload',
}

function reportOf(phase: Phase, outcomes: readonly Outcome[], references: References): PhaseReport {
  const { lost, wrong, failed } = problemsOf(outcomes, references)
  const verdict = wrong.length > 0 ? 'wrong' : lost.length > 0 ? 'hung' : failed.length > 0 ? 'failed' : 'survived'
  // A transformers.js outcome has no placement.
  const placed = outcomes.filter((outcome) => 'placement' in outcome && typeof outcome.placement === 'object')
  return {
    phase,
    requests: outcomes.length,
    verdict,
    ms: Math.round(Math.max(0, ...outcomes.map(({ ms }) => ms))),
    errors: [...new Set(outcomes.flatMap(errorOf))],
    places: placesOf(placed),
    codes: codesOf(outcomes.filter((outcome) => 'attempts' in outcome && Array.isArray(outcome.attempts))),
  }
}

function errorOf(outcome: Outcome): string[] {
  if (outcome.state !== 'failed') return []
  const [line = ''] = (outcome.message || outcome.cause).split('\n')
  return [`${outcome.code ?? outcome.name}: ${line}`]
}
