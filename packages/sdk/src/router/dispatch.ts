/** Tries the placements of a plan in their order until one answers. */
import type {
  Attempt,
  Engine,
  EngineAnswer,
  EngineRequest,
  ModelSource,
  Placement,
  Plan,
  Result,
  TaskName,
  TaskOutput,
} from '../contract/index.js'
import { EdgewardError, toEdgewardError, type ErrorCode } from '../errors/index.js'
import { abortable } from '../shared/index.js'

/** Who can be asked: the device, and each endpoint by its address. */
export interface Engines {
  readonly device?: Engine
  readonly remotes: ReadonlyMap<string, Engine>
}

export interface DispatchContext {
  /** The engines that this request may reach. One that policy forbids is not among them. */
  readonly engines: Engines
  readonly signal: AbortSignal
  /** When the request came in, by `performance.now()`. */
  readonly startedAt: number
  /** A placement failed and the next one is about to be tried. */
  onFallback(attempt: Attempt): void
}

/**
 * @throws EdgewardError of the only attempt; ALL_PLACEMENTS_FAILED with `details.attempts` after several; the plan's
 *   own reason when nothing can run. `signal.reason` when the caller aborts, which never falls back.
 */
export async function dispatch<T extends TaskName>(
  plan: Plan,
  request: EngineRequest<T>,
  context: DispatchContext,
): Promise<Result<TaskOutput<T>>> {
  const { signal, startedAt } = context
  const run = (engine: Engine, placement: Placement) => engine.run(placement, request, signal)
  const { value, placement, attempts } = await firstThatWorks<EngineAnswer<T>>(plan, context, run)
  const timings = { ...value.timings, totalMs: performance.now() - startedAt }
  return { output: value.output, placement, timings, attempts }
}

/** Makes the first placement ready that can be. Without a source, only one that needs no preparation is planned. */
export async function prepareFirst(
  plan: Plan,
  source: ModelSource | undefined,
  context: DispatchContext,
): Promise<Placement> {
  const { placement } = await firstThatWorks(plan, context, async (engine, candidate) => {
    if (source) await engine.prepare(candidate, source, context.signal)
  })
  return placement
}

interface Worked<V> {
  readonly value: V
  readonly placement: Placement
  readonly attempts: readonly Attempt[]
}

async function firstThatWorks<V>(
  plan: Plan,
  { engines, signal, onFallback }: DispatchContext,
  work: (engine: Engine, placement: Placement) => Promise<V>,
): Promise<Worked<V>> {
  const attempts: Attempt[] = []
  const failures: EdgewardError[] = []
  const exhausted = new Set<Engine>()
  for (const { placement } of plan.placements) {
    const engine = engineOf(engines, placement)
    if (engine === undefined || exhausted.has(engine)) continue
    const failed = attempts.at(-1)
    if (failed !== undefined) onFallback(failed)
    signal.throwIfAborted()
    const startedAt = performance.now()
    try {
      // Whatever an engine waits for, the caller's abort ends the request at once.
      return { value: await abortable(work(engine, placement), signal), placement, attempts }
    } catch (thrown) {
      signal.throwIfAborted()
      const error = toEdgewardError(thrown, 'INTERNAL', `An unexpected error on ${describe(placement)}`)
      if (error.fallback === 'final') throw error
      if (error.fallback === 'engine') exhausted.add(engine)
      failures.push(error)
      attempts.push(toAttempt(placement, error, startedAt))
    }
  }
  throw nobodyAnswered(plan, attempts, failures)
}

function engineOf({ device, remotes }: Engines, placement: Placement): Engine | undefined {
  return placement.engine === 'device' ? device : remotes.get(placement.endpoint)
}

function toAttempt(placement: Placement, { code, message, details }: EdgewardError, startedAt: number): Attempt {
  return { placement, code, message, details, durationMs: performance.now() - startedAt }
}

function nobodyAnswered(plan: Plan, attempts: readonly Attempt[], failures: readonly EdgewardError[]): EdgewardError {
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
  return new EdgewardError(only.code, message, { details: { ...only.details, ...details }, cause: only.cause })
}

/** The one code that all obstacles share, so that a wrong model name reads as one; else what a download can mend. */
function commonCode({ ruledOut }: Plan): ErrorCode {
  const codes = new Set(ruledOut.map(({ code }) => code).filter((code) => code !== 'NO_PLACEMENT'))
  if (codes.has('NOT_CACHED')) return 'NOT_CACHED'
  const [first] = codes
  return codes.size === 1 && first !== undefined ? first : 'NO_PLACEMENT'
}

function describe(placement: Placement | { readonly engine: Placement['engine'] }): string {
  if ('backend' in placement) return `device (${placement.backend}, ${placement.variant})`
  if ('endpoint' in placement) return `remote (${placement.endpoint})`
  return placement.engine
}
