/** A host that is disposed of at any moment: everything settles, every worker is ended. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { answer, never, place, source, startLife, streamOf, untrusted, type Life } from './living-workers.js'

/** How a worker takes what it is asked. */
const habits = ['well', 'hangs', 'untrusted', 'crashes', 'deaf'] as const
type Habit = (typeof habits)[number]

const steps = ['run', 'prepare', 'cache', 'wait', 'pass', 'recheck', 'leave'] as const

function handlersOf(habit: Habit, crash: () => void) {
  const crashing = () => (crash(), never())
  const run = { well: () => Promise.resolve(answer), untrusted: () => Promise.reject(untrusted), crashes: crashing }
  return {
    run: habit === 'hangs' || habit === 'deaf' ? never : run[habit],
    cache: () => Promise.resolve([]),
    ...(habit === 'deaf' ? { vitals: never, shutdown: never, prepare: never, register: never } : {}),
    ...(habit === 'hangs' ? { prepare: () => Promise.resolve(streamOf()) } : {}),
  }
}

it('settles what is pending within 3 s and ends every worker, whatever they were at', { timeout: 60_000 }, async () => {
  const scenario = fc.record({
    habits: fc.array(fc.constantFrom(...habits), { minLength: 1, maxLength: 5 }),
    steps: fc.array(fc.constantFrom(...steps), { minLength: 1, maxLength: 12 }),
  })
  await fc.assert(
    fc.asyncProperty(scenario, async (chosen) => {
      const life: Life = startLife(
        (worker) =>
          handlersOf(chosen.habits[worker % chosen.habits.length] ?? 'well', () => life.workers[worker]?.crash()),
        { recycle: { runs: 2, heapGrowthBytes: 1 } },
      )
      const { host, engine, run, settle, pass, workers } = life
      const pending: Promise<unknown>[] = []
      for (const step of chosen.steps) {
        if (step === 'run') pending.push(run())
        else if (step === 'prepare') pending.push(engine.prepare(place, source, neverAborted()))
        else if (step === 'cache') pending.push(host.cache('list'))
        else if (step === 'wait') await settle()
        else if (step === 'pass') await pass(2_000)
        else if (step === 'leave') host.leave()
        else pending.push(host.recheck())
        for (const promise of pending) promise.catch(() => undefined)
      }
      pending.push(host.dispose())
      await settle()
      await pass(3_000)
      await Promise.allSettled(pending)
      await expect(host.live()).rejects.toMatchObject({ code: 'DISPOSED' })
      expect(workers.map((worker) => worker.terminations())).toEqual(workers.map(() => 1))
    }),
    { numRuns: 60 },
  )
})
