import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { actsOf, faults, type Act } from '../../soak/support/schedule.js'
import { requestsOf } from '../../soak/support/traffic.js'

const seeds = fc.nat(1e6)

function first<T>(many: Iterator<T>, count: number): readonly T[] {
  return Array.from({ length: count }, () => many.next().value as T)
}

const losses = ({ faults: planned }: Act) => planned.map(({ name }) => faults[name])

describe('what a seed makes of the soak', () => {
  it('is the same every time', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        expect(first(actsOf(seed), 30)).toEqual(first(actsOf(seed), 30))
        expect(first(requestsOf(seed), 30)).toEqual(first(requestsOf(seed), 30))
      }),
      { numRuns: 20 },
    )
  })

  it('has every fault end within its act', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        for (const { faults: planned, lengthMs } of first(actsOf(seed), 50)) {
          expect(planned.length).toBeGreaterThan(0)
          for (const { fromMs, toMs } of planned) {
            expect(fromMs).toBeGreaterThanOrEqual(0)
            expect(toMs).toBeGreaterThan(fromMs)
            expect(toMs).toBeLessThanOrEqual(lengthMs)
          }
        }
      }),
      { numRuns: 20 },
    )
  })

  it('leaves somebody who can answer, except in a blackout', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        for (const act of first(actsOf(seed), 50)) {
          if (act.kind === 'blackout') continue
          const lost = new Set<string>(losses(act))
          const disturbs = ['strike', 'memory', 'weights', 'tab'].filter((loss) => lost.has(loss))
          if (lost.has('site')) expect(disturbs).toEqual([])
          if (lost.has('memory')) expect(lost.has('endpoint')).toBe(false)
          expect(losses(act).filter((loss) => loss === 'strike' || loss === 'memory').length).toBeLessThanOrEqual(1)
        }
      }),
      { numRuns: 20 },
    )
  })

  it('comes to every fault', () => {
    const met = new Set(first(actsOf(1), 400).flatMap((act) => act.faults.map(({ name }) => name)))
    expect(met).toEqual(new Set(Object.keys(faults)))
  })
})
