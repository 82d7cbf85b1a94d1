/** What a caller hears when no placement of a plan has answered. */
import type { Attempt, Placement, Plan } from '../contract/index.js'
import { EdgewardError, type ErrorCode } from '../errors/index.js'

/** Every placement was tried, or there was none. */
export function nobodyAnswered(
  plan: Plan,
  attempts: readonly Attempt[],
  failures: readonly EdgewardError[],
): EdgewardError {
  const { ruledOut } = plan
  const why = ruledOut.map(({ placement, reason }) => `${describe(placement)}: ${reason}`).join('; ')
  const details = { attempts, ruledOut }
  const [only, ...others] = failures
  if (only === undefined) {
    const code = commonCode(plan)
    const known = ruledOut.find((out) => out.code === code)?.details
    return new EdgewardError(code, `Nothing can run ${plan.model} (${why}).`, { details: { ...known, ...details } })
  }
  if (others.length > 0) {
    const tried = attempts.map(({ placement, code }) => `${describe(placement)}: ${code}`).join('; ')
    const message = `Every placement of ${plan.model} failed (${tried}).`
    return new EdgewardError('ALL_PLACEMENTS_FAILED', message, { details, cause: failures.at(-1) })
  }
  const message = why === '' ? only.message : `${only.message} Nothing else could answer (${why}).`
  return withDetails(only, details, message)
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
