/** Fits of runs: they predict what was measured, learn a lasting change within a few runs, and ignore accidents. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RunFit, Sample } from '../../../packages/sdk/src/contract/index.js'
import { fitRuns, rangeOfLoads } from '../../../packages/sdk/src/telemetry/fit-runs.js'

const dayMs = 24 * 60 * 60 * 1000

/** A placement: what its runs truly take, and runs of it, each off by its share of `noise`. */
interface World {
  readonly fixedMs: number
  readonly unitMs: number
  readonly sizes: readonly number[]
  readonly noise: readonly number[]
}

const runsMost = 40
const anyWorld: fc.Arbitrary<World> = fc
  .record({
    scaleMs: fc.double({ min: 2, max: 2_000, noNaN: true }),
    fixedShare: fc.double({ min: 0, max: 1, noNaN: true }),
    least: fc.double({ min: 1, max: 1_000, noNaN: true }),
    range: fc.double({ min: 1, max: 10, noNaN: true }),
    seed: fc.integer({ min: 1, max: 2 ** 31 }),
  })
  .map(({ scaleMs, fixedShare, least, range, seed }) => {
    // Evenly spread, which fast-check's own numbers are not: it prefers the ends.
    const random = randomFrom(seed)
    const many = Array.from({ length: runsMost }, () => random())
    const middle = least * Math.sqrt(range)
    return {
      fixedMs: fixedShare * scaleMs,
      unitMs: ((1 - fixedShare) * scaleMs) / middle,
      sizes: many.map((share) => least * range ** share),
      noise: many.map(() => 0.9 + 0.2 * random()),
    }
  })

const trueMs = ({ fixedMs, unitMs }: World, units: number, factor = 1) => factor * (fixedMs + unitMs * units)
const runsOf = (world: World, from: number, to: number, factor = 1): Sample[] =>
  world.sizes.slice(from, to).map((units, i) => {
    return { units, ms: trueMs(world, units, factor) * (world.noise[from + i] ?? 1), at: from + i }
  })
const predict = ({ fixedMs, unitMs }: RunFit, units: number) => fixedMs + unitMs * units
const fitted = (runs: readonly Sample[]): RunFit => {
  const fit = fitRuns(runs)
  if (fit === undefined) throw new Error('there are runs')
  return fit
}
/** How far off the predictions for the sizes of these runs are, at most; 0.3 is 30 %. */
const worstError = (fit: RunFit, world: World, runs: readonly Sample[], factor = 1) =>
  Math.max(...runs.map(({ units }) => Math.abs(predict(fit, units) / trueMs(world, units, factor) - 1)))
/** What is promised of random noise is a matter of shares; the worlds are always the same, so that the share is too. */
const worlds = fc.sample(anyWorld, { seed: 20_261_122, numRuns: 1_000 })
const expectFewAmong = (share: number, isMissed: (world: World) => boolean) =>
  expect(worlds.filter(isMissed).length / worlds.length).toBeLessThanOrEqual(share)

describe('a fit of runs', () => {
  it('is within 30 % of the truth after 8 runs, for sizes like those it has seen', () => {
    expectFewAmong(0, (world) => {
      const runs = runsOf(world, 0, 8)
      return worstError(fitted(runs), world, runs) > 0.3
    })
  })

  it.each([8, 20, 32])(
    'is within 40 % of the new truth after %i runs and 5 that lastingly take 3 times as long',
    (n) => {
      expectFewAmong(0.01, (world) => {
        const changed = runsOf(world, n, n + 5, 3)
        const runs = [...runsOf(world, 0, n), ...changed].slice(-32)
        return worstError(fitted(runs), world, changed, 3) > 0.4
      })
    },
  )

  it('has moved most of the way after 4 runs at a new level, and back after 4 at the old one', () => {
    const world: World = { fixedMs: 20, unitMs: 1, sizes: [10, 40, 20, 80, 30, 60], noise: [] }
    const round = (from: number, to: number, factor = 1) => runsOf(world, from, to, factor)
    const before = [...round(0, 6), ...round(0, 6)]
    const slower = [...before, ...round(0, 4, 3)]
    expect(worstError(fitted(slower), world, round(0, 4), 3)).toBeLessThan(0.05)
    const back = [...slower, ...round(0, 6, 3), ...round(0, 4)]
    expect(worstError(fitted(back), world, round(0, 4))).toBeLessThan(0.05)
  })

  it('moves by less than 15 % for one run that takes 50 times as long, wherever it stands', () => {
    for (let position = 0; position < 12; position += 1) {
      expectFewAmong(0.01, (world) => {
        const runs = runsOf(world, 0, 12)
        const disturbed = runs.map((run, i) => (i === position ? { ...run, ms: 50 * run.ms } : run))
        const [before, after] = [fitted(runs), fitted(disturbed)]
        const moved = runs.map(({ units }) => Math.abs(predict(after, units) / predict(before, units) - 1))
        return Math.max(...moved) > 0.15 || after.highFactor > 2
      })
    }
  })

  it('forgets in days what newer runs say otherwise', () => {
    const old = Array.from({ length: 3 }, () => ({ units: 10, ms: 900, at: 0 }))
    const recent = Array.from({ length: 2 }, () => ({ units: 10, ms: 100, at: 0 }))
    expect(predict(fitted([...old, ...recent]), 10)).toBeCloseTo(900)
    expect(predict(fitted([...old, ...recent.map((run) => ({ ...run, at: 3 * dayMs }))]), 10)).toBeCloseTo(100)
  })

  it('is right where it was measured, and halves between fixed and proportional, while all runs have one size', () => {
    const fit = fitted([{ units: 10, ms: 100, at: 5 }])
    expect(fit).toMatchObject({ fixedMs: 50, unitMs: 5, samples: 1, drift: 1, lastAt: 5 })
  })

  it('says how far off it may be: twice with one run, less with more, and what was seen with twenty', () => {
    const steady = (n: number) =>
      fitted(Array.from({ length: n }, (_, at) => ({ units: 10 + at, ms: 100 + at, at }))).highFactor
    expect(steady(1)).toBeCloseTo(2)
    expect(steady(4)).toBeLessThan(steady(2))
    expect(steady(20)).toBeCloseTo(1)
    const noisy = Array.from({ length: 32 }, (_, at) => ({ units: 10, ms: at % 8 === 0 ? 150 : 100, at }))
    expect(fitted(noisy).highFactor).toBeCloseTo(1.5)
  })

  it('is exceeded by its high end about once in twenty times', () => {
    let over = 0
    for (const world of worlds) {
      const fit = fitted(runsOf(world, 0, 32))
      const next = runsOf(world, 32, runsMost)
      over += next.filter(({ units, ms }) => ms > predict(fit, units) * fit.highFactor).length / next.length
    }
    expect(over / worlds.length).toBeLessThan(0.1)
  })

  it('calls it drift when each of the newest three runs is off, and not when one is', () => {
    const steady = Array.from({ length: 12 }, (_, at) => ({ units: 10, ms: 100, at }))
    const newest = (...times: readonly number[]) => [...steady, ...times.map((ms) => ({ units: 10, ms, at: 20 }))]
    expect(fitted(newest(130, 140, 135)).drift).toBeCloseTo(1.3, 2)
    expect(fitted(newest(100, 400, 100)).drift).toBeCloseTo(1, 2)
    expect(fitted(newest(75, 80, 75)).drift).toBeCloseTo(0.8, 2)
    expect(fitted(newest(300, 300, 300, 300)).drift).toBeCloseTo(1, 2) // That is the level now.
  })

  it('is finite and not negative for any runs', () => {
    const anySample = fc.record({
      units: fc.double({ min: 1e-6, max: 1e9, noNaN: true }),
      ms: fc.double({ min: 0, max: 1e9, noNaN: true }),
      at: fc.nat(),
    })
    fc.assert(
      fc.property(fc.array(anySample, { minLength: 1, maxLength: 32 }), (runs) => {
        const fit = fitted(runs)
        for (const number of Object.values(fit)) expect(Number.isFinite(number) && number >= 0).toBe(true)
        expect(fit.highFactor).toBeGreaterThanOrEqual(1)
        expect(fitRuns(runs)).toEqual(fit)
      }),
    )
  })

  it('is nothing of nothing', () => {
    expect(fitRuns([])).toBeUndefined()
    expect(rangeOfLoads([])).toBeUndefined()
  })
})

describe('the range of loads', () => {
  it('is around the median, and wide while there are few', () => {
    const load = (ms: number, at: number) => ({ units: 1e6, ms, at })
    expect(rangeOfLoads([load(700, 0)])).toEqual({ typical: 700, high: 1_400 })
    const several = rangeOfLoads([load(700, 0), load(720, 1), load(9_000, 2), load(710, 3), load(690, 4)])
    expect(several?.typical).toBeLessThanOrEqual(720)
    expect(several?.high).toBeLessThan(1_400)
  })
})

/** Evenly spread numbers below 1 (Marsaglia's xorshift, Journal of Statistical Software 8, 2003). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}
