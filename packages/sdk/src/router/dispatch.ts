/** Tries the placements of a plan in their order until one answers; a second one starts beside one that is late. */
import type {
  Attempt,
  EngineAnswer,
  EngineRequest,
  ModelSource,
  Placement,
  Plan,
  Result,
  TaskName,
  TaskOutput,
} from '../contract/index.js'
import type { EdgewardError } from '../errors/index.js'
import { Attempts, type Candidate, type Ended, type Work } from './attempts.js'
import type { DispatchContext, Hedging } from './dispatch-context.js'
import { finalError, nobodyAnswered } from './dispatch-errors.js'

/**
 * @throws EdgewardError of the only attempt; ALL_PLACEMENTS_FAILED with `details.attempts` after several; the plan's
 *   own reason when nothing can run; DEADLINE_EXCEEDED with `details.attempts` when the time is over. `signal.reason` when
 *   the caller aborts, which never falls back.
 */
export async function dispatch<T extends TaskName>(
  plan: Plan,
  request: EngineRequest<T>,
  context: DispatchContext,
): Promise<Result<TaskOutput<T>>> {
  const { deadline, startedAt } = context
  const timed = deadline.at === Infinity ? request : { ...request, deadlineAt: deadline.at }
  const run: Work<EngineAnswer<T>> = (engine, placement, signal) => engine.run(placement, timed, signal)
  const { value, placement, attempts } = await firstThatWorks(plan, context, run)
  const timings = { ...value.timings, totalMs: performance.now() - startedAt }
  return { output: value.output, placement, timings, attempts }
}

/** Makes the first placement ready that can be. Without a source, only one that needs no preparation is planned. */
export async function prepareFirst(
  plan: Plan,
  source: ModelSource | undefined,
  context: Omit<DispatchContext, 'hedge'>,
): Promise<Placement> {
  const { placement } = await firstThatWorks(plan, context, async (engine, candidate, signal) => {
    if (source) await engine.prepare(candidate, source, signal)
    return {}
  })
  return placement
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

/** How the first of the two ends that answers; else how the last does. */
async function tryWithHedge<V extends Partial<Pick<EngineAnswer, 'timings'>>>(
  candidate: Candidate,
  hedge: Hedging | undefined,
  attempts: Attempts<V>,
): Promise<Ended<V>> {
  const delayMs = hedge && attempts.hasBeside(candidate) ? hedge.delayMs(candidate.planned) : undefined
  if (hedge === undefined || delayMs === undefined) return attempts.try(candidate)
  const first = attempts.start(candidate, false)
  const early = await within(first.ended, delayMs)
  if (early !== undefined) return early
  const beside = attempts.hasBeside(candidate) && hedge.mayHedge() ? attempts.nextBeside(candidate) : undefined
  if (beside === undefined) return first.ended
  hedge.onHedge(candidate.planned.placement, beside.planned.placement)
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

/** Undefined when `promise`, which never rejects, takes longer. */
async function within<V>(promise: Promise<V>, ms: number): Promise<V | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  const first = await Promise.race([promise, late])
  clearTimeout(timer)
  return first
}

function isFinal<V>(ended: Ended<V>): ended is Extract<Ended<V>, { kind: 'failed' }> {
  return ended.kind === 'failed' && ended.error.fallback === 'final'
}

interface Failed {
  readonly failed: readonly Attempt[]
}

/** @throws the caller's own reason; `DEADLINE_EXCEEDED` */
function throwIfOver({ deadline }: DispatchContext, { failed }: Failed): void {
  if (deadline.isOver) throw deadline.exceeded(failed)
  deadline.signal.throwIfAborted()
}

/** Whatever an engine says of a deadline, the caller hears it in the same words. */
function endOf(error: EdgewardError, { deadline }: DispatchContext, { failed }: Failed): EdgewardError {
  const isLate = error.code === 'DEADLINE_EXCEEDED' && deadline.at !== Infinity
  return isLate ? deadline.exceeded(failed) : finalError(error, failed)
}
