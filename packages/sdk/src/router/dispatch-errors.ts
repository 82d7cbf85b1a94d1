/** What a caller hears when no placement of a plan has answered. */
import type { Attempt, Placement, Plan } from '../contract/index.js'
import { EdgewardError, type ErrorCode } from '../errors/index.js'
import { adviceFor } from './advice.js'
import { placementName } from './plan-input.js'

/**
 * Every placement was tried, or there was none. `details.advice` says what the caller could do, as the message's end does.
 *
 * @returns ALL_PLACEMENTS_FAILED after several placements; of one, what it failed with last
 */
export function nobodyAnswered(
  plan: Plan,
  attempts: readonly Attempt[],
  failures: readonly EdgewardError[],
): EdgewardError {
  const { ruledOut } = plan
  const why = ruledOut.map(({ placement, reason }) => `${describe(placement)}: ${reason}`).join('; ')
  const advice = adviceFor([...attempts, ...ruledOut])
  const details = { attempts, ruledOut, advice }
  const last = failures.at(-1)
  if (last === undefined) {
    const code = commonCode(plan)
    const known = ruledOut.find((out) => out.code === code)?.details
    const message = joined(`Nothing can run ${plan.model} (${why}).`, ...advice)
    return new EdgewardError(code, message, { details: { ...known, ...details } })
  }
  const places = new Set(attempts.map(({ placement }) => placementName(placement)))
  if (places.size > 1) {
    const tried = attempts.map(({ placement, code }) => `${describe(placement)}: ${code}`).join('; ')
    const message = joined(`Every placement of ${plan.model} failed (${tried}).`, ...advice)
    return new EdgewardError('ALL_PLACEMENTS_FAILED', message, { details, cause: last })
  }
  const times = attempts.length > 1 && `It was tried ${attempts.length} times.`
  const message = joined(last.message, times, why !== '' && `Nothing else could answer (${why}).`, ...advice)
  return withDetails(last, details, message)
}

/** A failure that ends the request: itself when nothing was tried before, else with what was. */
export function finalError(error: EdgewardError, attempts: readonly Attempt[]): EdgewardError {
  return attempts.length > 1 ? withDetails(error, { attempts }) : error
}

/** For messages. */
export function describe(placement: Placement | { readonly engine: Placement['engine'] }): string {
  if ('backend' in placement) return `device (${placement.backend}, ${placement.variant})`
  if ('endpoint' in placement) return `remote (${placement.endpoint})`
  return placement.engine
}

/** Sentences, some of them without a full stop; those that do not apply are left out. */
function joined(...sentences: readonly (string | false)[]): string {
  return sentences
    .filter((sentence) => sentence !== false)
    .map((sentence) => (/[.!?]$/.test(sentence) ? sentence : `${sentence}.`))
    .join(' ')
}

function withDetails(error: EdgewardError, details: object, message = error.message): EdgewardError {
  return new EdgewardError(error.code, message, { details: { ...error.details, ...details }, cause: error.cause })
}

/** The one code that all obstacles share, so that a wrong model name reads as one; else what a download can mend. */
function commonCode({ ruledOut }: Plan): ErrorCode {
  const codes = new Set(ruledOut.map(({ code }) => code).filter((code) => code !== 'NO_PLACEMENT'))
  if (codes.has('NOT_CACHED')) return 'NOT_CACHED'
  const [first] = codes
  return codes.size === 1 && first !== undefined ? first : 'NO_PLACEMENT'
}
