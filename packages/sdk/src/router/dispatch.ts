/**
 * Tries the placements of a plan in their order until one answers; a second one starts beside one that is late, one that was
 * lost is tried again, and so are endpoints when nobody else is left.
 */
import type {
  Attempt,
  EngineAnswer,
  EngineRequest,
  ModelSource,
  Placement,
  Plan,
  PlannedPlacement,
  Result,
  TaskName,
  TaskOutput,
} from '../contract/index.js'
import type { EdgewardError } from '../errors/index.js'
import { Attempts, type Work } from './attempts.js'
import type { DispatchContext } from './dispatch-context.js'
import { finalError, nobodyAnswered } from './dispatch-errors.js'
import { isFinal, tryWithHedge } from './hedged-attempt.js'
import { pause } from './pause.js'

/**
 * @throws EdgewardError of the only placement; ALL_PLACEMENTS_FAILED with `details.attempts` and `details.advice` after
 *   several; the plan's own reason when nothing can run; DEADLINE_EXCEEDED with `details.attempts` when the time is over. `signal.reason` when
 *   the caller aborts, which never falls back.
 */
export async function dispatch<T extends TaskName>(
  plan: Plan,
  request: EngineRequest<T>,
  context: DispatchContext,
): Promise<Result<TaskOutput<T>>> {
  const { deadline, startedAt } = context
  const timed = deadline.at === Infinity ? request : { ...request, deadlineAt: deadline.at }
  const run: Work<EngineAnswer<T>> = (engine, planned, signal) =>
    engine.run(planned.placement, { ...timed, ...expectedOf(planned) }, signal)
  const { value, placement, attempts } = await firstThatWorks(plan, context, run)
  const timings = { ...value.timings, totalMs: performance.now() - startedAt }
  return { output: value.output, placement, timings, attempts }
}

/** Makes the first placement ready that can be. Without a source, only one that needs no preparation is planned. */
export async function prepareFirst(
  plan: Plan,
  source: ModelSource | undefined,
  context: Omit<DispatchContext, 'hedge' | 'retry'>,
): Promise<Placement> {
  const waiting = { ...context, waitsForDevice: true }
  const { placement } = await firstThatWorks(plan, waiting, async (engine, planned, signal) => {
    if (source) await engine.prepare(planned.placement, source, signal)
    return {}
  })
  return placement
}

/** What the device's watchdog goes by. Loading does not count. */
function expectedOf({ placement, estimate }: PlannedPlacement): Pick<EngineRequest, 'expectedMs'> {
  const { basis, totalMs, readyMs } = estimate
  const isKnown = placement.engine === 'device' && basis === 'measured'
  return isKnown ? { expectedMs: Math.max(0, totalMs.high - readyMs.high) } : {}
}

interface Worked<V> {
  readonly value: V
  readonly placement: Placement
  readonly attempts: readonly Attempt[]
}

async function firstThatWorks<V extends Partial<Pick<EngineAnswer, 'timings'>>>(
  plan: Plan,
  context: DispatchContext,
  work: Work<V>,
): Promise<Worked<V>> {
  const attempts = new Attempts(plan, context, work)
  for (let next = attempts.next(); next !== undefined; next = attempts.next()) {
    attempts.tellFallback()
    if (next.again?.kind === 'retry') await pause(next.again.dueAt - performance.now(), context.deadline.signal)
    throwIfOver(context, attempts)
    const ended = await tryWithHedge(next, context.hedge, attempts)
    if (ended.kind === 'answered') {
      return { value: ended.value, placement: ended.candidate.planned.placement, attempts: attempts.failed }
    }
    throwIfOver(context, attempts)
    if (isFinal(ended)) throw endOf(ended.error, context, attempts)
  }
  throw nobodyAnswered(plan, attempts.failed, attempts.errors)
}

interface Failed {
  readonly failed: readonly Attempt[]
}

/** @throws the caller's own reason; `DEADLINE_EXCEEDED` */
export function throwIfOver({ deadline }: Pick<DispatchContext, 'deadline'>, { failed }: Failed): void {
  if (deadline.isOver) throw deadline.exceeded(failed)
  deadline.signal.throwIfAborted()
}

/** Whatever an engine says of a deadline, the caller hears it in the same words. */
export function endOf(
  error: EdgewardError,
  { deadline }: Pick<DispatchContext, 'deadline'>,
  { failed }: Failed,
): EdgewardError {
  const isLate = error.code === 'DEADLINE_EXCEEDED' && deadline.at !== Infinity
  return isLate ? deadline.exceeded(failed) : finalError(error, failed)
}
