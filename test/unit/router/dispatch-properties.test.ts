/** Whatever engines do, a request ends once, in time, with an answer where one was to be had, and all of it is told. */
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Placement, PlannedPlacement } from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError, errorRules, isEdgewardError, type ErrorCode } from '../../../packages/sdk/src/errors/index.js'
import { dispatch } from '../../../packages/sdk/src/router/index.js'
import {
  answer,
  elsewhere,
  estimate,
  nameOf,
  planned,
  planOf,
  remote,
  request,
  setUp,
  wasm,
  webgpu,
  type Behaviour,
  type Name,
} from './dispatching.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** What an engine does one time; it listens to its signal, or does not. */
interface Step {
  readonly end: 'answer' | 'hang' | 'throw' | ErrorCode
  readonly ms: number
  readonly listens: boolean
}
type Script = Readonly<Record<Name, readonly Step[]>>

const placements: Readonly<Record<Name, Placement>> = { webgpu, wasm, remote, elsewhere }
const names = ['webgpu', 'wasm', 'remote', 'elsewhere'] as const
const codes = Object.keys(errorRules) as ErrorCode[]
/** Failures after which every other placement may answer. */
const passing = codes.filter((code) => errorRules[code].fallback === 'placement' && code !== 'OUT_OF_MEMORY')

/** What each placement does, time after time. */
function scripts(...ends: readonly Step['end'][]): fc.Arbitrary<Script> {
  const step = fc.record({ end: fc.constantFrom(...ends), ms: fc.nat({ max: 3_000 }), listens: fc.boolean() })
  const steps = fc.array(step, { minLength: 1, maxLength: 4 })
  return fc.record({ webgpu: steps, wasm: steps, remote: steps, elsewhere: steps })
}

const anything = scripts('answer', 'hang', 'throw', ...codes)

const plans: fc.Arbitrary<PlannedPlacement[]> = fc
  .shuffledSubarray([...names], { minLength: 1 })
  .chain((order) => fc.tuple(...order.map(plannedAs)))

function plannedAs(name: Name): fc.Arbitrary<PlannedPlacement> {
  const placement = placements[name]
  if (placement.engine === 'remote') return fc.constant(planned(placement))
  const parts = { readiness: fc.constantFrom('ready', 'cached', 'absent'), memoryBytes: fc.constantFrom(0, 10, 20) }
  return fc
    .record(parts)
    .map(({ readiness, memoryBytes }) => planned(placement, { readiness, estimate: { ...estimate, memoryBytes } }))
}

const circumstances = fc.record({
  deadlineMs: fc.constantFrom(Infinity, 50, 500, 5_000),
  abortAtMs: fc.option(fc.nat({ max: 4_000 }), { nil: undefined }),
  hedges: fc.boolean(),
  retries: fc.boolean(),
  waitsForDevice: fc.boolean(),
})
type Circumstances = typeof circumstances extends fc.Arbitrary<infer C> ? C : never

const calm = circumstances.map((each) => ({ ...each, deadlineMs: Infinity, abortAtMs: undefined }))

function behaviourOf(steps: readonly Step[]): Behaviour {
  let times = 0
  return (signal) => {
    const step = steps[Math.min(times++, steps.length - 1)]
    if (step === undefined || step.end === 'throw') throw new TypeError('at once')
    const { end, ms, listens } = step
    return new Promise((resolve, reject) => {
      if (listens) signal.addEventListener('abort', () => reject(signal.reason as Error))
      if (end === 'answer') setTimeout(() => resolve(answer), ms)
      else if (end !== 'hang') setTimeout(() => reject(new EdgewardError(end, end)), ms)
    })
  }
}

/** Dispatches, and lets so much time pass that whatever can end has ended; then the caller aborts what hangs. */
async function play(plan: PlannedPlacement[], script: Script, { hedges, retries, abortAtMs, ...rest }: Circumstances) {
  const caller = new AbortController()
  const behaviours = Object.fromEntries(names.map((name) => [name, behaviourOf(script[name])]))
  const device = plan.map(({ placement }) => placement).find(({ engine }) => engine === 'device')
  const becameReady = () => (device ? Promise.resolve(device) : new Promise<never>(() => undefined))
  const set = setUp(behaviours, {
    ...rest,
    signal: caller.signal,
    ...(hedges && { hedge: { becameReady } }),
    ...(retries && { retry: {} }),
  })
  const ends: { readonly error?: unknown; readonly attempts?: unknown; readonly atMs: number }[] = []
  const { startedAt } = set.context
  const atMs = () => performance.now() - startedAt
  void dispatch(planOf(plan), request, set.context).then(
    ({ attempts }) => ends.push({ attempts, atMs: atMs() }),
    (error: unknown) => ends.push({ error, atMs: atMs() }),
  )
  if (abortAtMs !== undefined) setTimeout(() => caller.abort('gone'), abortAtMs)
  await vi.advanceTimersByTimeAsync(200_000)
  const isHanging = ends.length === 0
  caller.abort('gone')
  await vi.advanceTimersByTimeAsync(200_000)
  set.context.deadline.dispose()
  const [end] = ends
  if (end === undefined) throw new Error('the request has not ended')
  return { ...set, ends, end, isHanging, outcomes: set.tried.map(({ outcome }) => outcome) }
}

const isFinal = (outcome: string) => outcome in errorRules && errorRules[outcome as ErrorCode].fallback === 'final'

it('a request ends exactly once, by its deadline, and at once when the caller aborts', async () => {
  await fc.assert(
    fc.asyncProperty(plans, anything, circumstances, async (plan, script, around) => {
      const { ends, end } = await play(plan, script, around)
      expect(ends).toHaveLength(1)
      expect(end.atMs).toBeLessThanOrEqual(Math.min(around.deadlineMs, around.abortAtMs ?? Infinity, 200_000))
      if (end.error === 'gone') return
      if (end.error !== undefined) expect(isEdgewardError(end.error)).toBe(true)
    }),
  )
})

it('each placement is asked once, one of them replayed, each endpoint two times more; nobody after the end', async () => {
  await fc.assert(
    fc.asyncProperty(plans, anything, circumstances, async (plan, script, around) => {
      const { asked, end, tried, replayed, context } = await play(plan, script, around)
      expect(replayed.length).toBeLessThanOrEqual(1)
      for (const { placement } of plan) {
        const name = nameOf(placement)
        const replays = replayed.filter((each) => each === name).length
        const retries = around.retries && placement.engine === 'remote' ? 2 : 0
        expect(asked.filter((each) => each === name).length).toBeLessThanOrEqual(1 + replays + retries)
      }
      for (const { startedAt } of tried) expect(startedAt - context.startedAt).toBeLessThanOrEqual(end.atMs)
    }),
  )
})

it('every attempt is told once, and the attempts of the result or the error are those that failed', async () => {
  await fc.assert(
    fc.asyncProperty(plans, anything, circumstances, async (plan, script, around) => {
      const { asked, tried, outcomes, end } = await play(plan, script, around)
      expect(tried.map(({ placement }) => nameOf(placement)).sort()).toEqual([...asked].sort())
      expect(outcomes.filter((outcome) => outcome === 'answered')).toHaveLength(end.error === undefined ? 1 : 0)
      const details = isEdgewardError(end.error) ? end.error.details : {}
      const told = end.attempts ?? details['attempts']
      if (told === undefined) return
      const failures = tried.filter(({ outcome }) => outcome in errorRules)
      expect(told).toMatchObject(failures.map(({ placement, outcome }) => ({ placement, code: outcome })))
    }),
  )
})

it('a request is answered when any placement would have answered, unless a failure ruled that one out', async () => {
  await fc.assert(
    fc.asyncProperty(plans, scripts('answer', 'throw', ...passing), calm, async (plan, script, around) => {
      const couldAnswer = plan.some(({ placement }) => script[nameOf(placement)][0]?.end === 'answer')
      const { end } = await play(plan, script, around)
      if (couldAnswer) expect(end.error).toBeUndefined()
    }),
  )
})

it('a request that nobody answered has asked everybody whom no failure ruled out', async () => {
  const failing = scripts('throw', ...codes.filter((code) => !isFinal(code)))
  await fc.assert(
    fc.asyncProperty(plans, failing, calm, async (plan, script, around) => {
      const { end, asked, tried } = await play(plan, script, around)
      expect(isEdgewardError(end.error)).toBe(true)
      for (const { placement } of plan) {
        const isRuledOut = tried.some(
          ({ placement: other, outcome }) =>
            other.engine === 'device' && placement.engine === 'device' && rulesOut(outcome as ErrorCode),
        )
        expect(asked.includes(nameOf(placement)) || isRuledOut).toBe(true)
      }
    }),
  )
})

it('an answer of a fresh worker or GPU is had, whatever else fails', async () => {
  const lost = fc.constantFrom('WORKER_DIED' as const, 'GPU_LOST' as const)
  await fc.assert(
    fc.asyncProperty(plans, lost, scripts('throw', 'REMOTE_FAILED'), calm, async (plan, code, script, around) => {
      const [first] = plan
      if (first === undefined) return
      const step = { ms: 10, listens: true }
      const replayed = [
        { ...step, end: code },
        { ...step, end: 'answer' as const },
      ]
      const { end } = await play(plan, { ...script, [nameOf(first.placement)]: replayed }, around)
      expect(end.error).toBeUndefined()
    }),
  )
})

function rulesOut(code: ErrorCode): boolean {
  return errorRules[code].fallback === 'engine' || code === 'OUT_OF_MEMORY'
}
