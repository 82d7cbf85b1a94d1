/** One attempt, beside which a second one starts when it is late. */
import type { EngineAnswer } from '../contract/index.js'
import type { Candidate } from './attempt-candidate.js'
import type { Attempts, Ended } from './attempts.js'
import type { Hedging } from './dispatch-context.js'
import { hangsAfterMs, isMeasured, lateAfterMs } from './hedge.js'
import { pause } from './pause.js'

type Timed = Partial<Pick<EngineAnswer, 'timings'>>
/** Takes the placement that starts beside the first, if it is still there. */
type TakeBeside = () => Candidate | undefined

/** How the first of the two ends that answers; else how the last does. */
export async function tryWithHedge<V extends Timed>(
  candidate: Candidate,
  hedge: Hedging | undefined,
  attempts: Attempts<V>,
): Promise<Ended<V>> {
  const watching = new AbortController()
  const late = hedge && whenLate(candidate, hedge, attempts, watching.signal)
  if (late === undefined) return attempts.try(candidate)
  const first = attempts.start(candidate, false)
  const takeBeside = await Promise.race([first.ended.then(() => undefined), late])
  watching.abort()
  const beside = takeBeside?.()
  if (beside === undefined) return first.ended
  hedge?.onHedge(candidate.planned.placement, beside.planned.placement)
  const second = attempts.start(beside, true)
  const ended = await Promise.race([first.ended, second.ended])
  const other = ended.candidate === candidate ? second : first
  if (ended.kind === 'failed' && !isFinal(ended)) {
    attempts.tellFallback()
    return other.ended
  }
  other.cancel()
  return ended
}

/** Whether nobody else would answer better. */
export function isFinal<V>(ended: Ended<V>): ended is Extract<Ended<V>, { kind: 'failed' }> {
  return ended.kind === 'failed' && ended.error.fallback === 'final'
}

/** Undefined: nothing can start beside it, however late it is. It waits until `signal` aborts. */
function whenLate<V extends Timed>(
  candidate: Candidate,
  hedge: Hedging,
  attempts: Attempts<V>,
  signal: AbortSignal,
): Promise<TakeBeside | undefined> | undefined {
  const delayMs = attempts.hasBeside(candidate) ? hedge.delayMs(candidate.planned) : undefined
  if (delayMs !== undefined) {
    const take = () => (attempts.hasBeside(candidate) && hedge.mayHedge() ? attempts.nextBeside(candidate) : undefined)
    return pause(delayMs, signal).then(() => take)
  }
  const canCome = hedge.becameReady !== undefined && attempts.comingBeside(candidate).length > 0
  return canCome ? whenReady(candidate, hedge, attempts, signal) : undefined
}

/**
 * An endpoint that is late is not waited for once the device is ready: on a first visit nobody knows how long the endpoint
 * takes, and its time-out is long.
 */
async function whenReady<V extends Timed>(
  candidate: Candidate,
  hedge: Hedging,
  attempts: Attempts<V>,
  signal: AbortSignal,
): Promise<TakeBeside | undefined> {
  const hangsAt = isMeasured(candidate.planned) ? Infinity : performance.now() + hangsAfterMs
  await pause(lateAfterMs(candidate.planned), signal)
  if (signal.aborted) return undefined
  const ready = await hedge.becameReady?.(attempts.comingBeside(candidate), signal)
  if (ready === undefined || signal.aborted) return undefined
  // One that hangs is no matter of a few per cent that are late: its second placement does not count as a hedge.
  if (performance.now() < hangsAt && !hedge.mayHedge()) {
    if (hangsAt === Infinity) return undefined
    await pause(hangsAt - performance.now(), signal)
  }
  return () => attempts.takeReady(ready)
}
