/** Eviction makes just enough room, at the cost of the models that are missed least. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { storedBytes } from '../../../packages/sdk/src/weights/model-record.js'
import {
  garbageChunks,
  planEviction,
  type EvictableModel,
  type EvictionNeed,
} from '../../../packages/sdk/src/weights/plan-eviction.js'

const model = (id: string, usedAt: number, digests: string, isPinned = false): EvictableModel => ({
  id,
  usedAt,
  isPinned,
  chunks: Array.from(digests, (digest) => ({ digest, bytes: 10 })),
})
const plan = (need: Partial<EvictionNeed>) =>
  planEviction({ models: [], inUse: new Set(), inFlight: new Set(), neededBytes: 0, budgetBytes: 0, ...need })

describe('planEviction', () => {
  it('drops nothing where there is room', () => {
    const models = [model('a', 1, 'AB')]
    expect(plan({ models, neededBytes: 10, budgetBytes: 30 })).toEqual({ drop: [], freedBytes: 0, isEnough: true })
  })

  it('drops the least recently used first, and no more than needed', () => {
    const models = [model('new', 3, 'AB'), model('old', 1, 'CD'), model('middle', 2, 'EF')]
    expect(plan({ models, neededBytes: 20, budgetBytes: 60 })).toEqual({
      drop: ['old'],
      freedBytes: 20,
      isEnough: true,
    })
    expect(plan({ models, neededBytes: 30, budgetBytes: 60 }).drop).toEqual(['old', 'middle'])
  })

  it('counts a chunk that a remaining model shares as not freed', () => {
    const models = [model('a', 1, 'SA'), model('b', 2, 'SB'), model('c', 3, 'C')]
    expect(plan({ models, neededBytes: 10, budgetBytes: 40 })).toMatchObject({ drop: ['a'], freedBytes: 10 })
    expect(plan({ models, neededBytes: 20, budgetBytes: 40 })).toMatchObject({ drop: ['a', 'b'], freedBytes: 30 })
  })

  it('keeps a model whose end would free nothing', () => {
    const models = [model('shares all', 1, 'S'), model('pinned', 2, 'S', true), model('last', 3, 'X')]
    expect(plan({ models, neededBytes: 10, budgetBytes: 20 })).toMatchObject({ drop: ['last'], freedBytes: 10 })
  })

  it('keeps what is pinned, in use or named by a load, and drops nothing in vain', () => {
    const models = [
      model('pinned', 1, 'A', true),
      model('used', 2, 'B'),
      model('loading', 3, 'C'),
      model('free', 4, 'D'),
    ]
    const fixed = { models, inUse: new Set(['used']), inFlight: new Set(['C']), budgetBytes: 40 }
    expect(plan({ ...fixed, neededBytes: 10 }).drop).toEqual(['free'])
    expect(plan({ ...fixed, neededBytes: 20 })).toEqual({ drop: [], freedBytes: 0, isEnough: false })
  })
})

const digests = fc.uniqueArray(fc.constantFrom('A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J'), {
  minLength: 1,
  maxLength: 5,
})
const models = fc
  .array(fc.record({ digests, usedAt: fc.nat(5), isPinned: fc.boolean() }), { maxLength: 6 })
  .map((all) => all.map(({ digests, usedAt, isPinned }, i) => model(`m${i}`, usedAt, digests.join(''), isPinned)))
const need: fc.Arbitrary<EvictionNeed> = fc.record({
  models,
  inUse: fc.uniqueArray(fc.constantFrom('m0', 'm1', 'm2')).map((ids) => new Set(ids)),
  inFlight: digests.map((all) => new Set(all.slice(1))),
  neededBytes: fc.nat(100),
  budgetBytes: fc.nat(120),
})

describe('whatever is stored,', () => {
  it('a plan keeps its word: after it the needed bytes fit, and it frees what it says', () => {
    fc.assert(
      fc.property(need, (given) => {
        const { drop, freedBytes, isEnough } = planEviction(given)
        const dropped = given.models.filter(({ id }) => drop.includes(id))
        const kept = given.models.filter(({ id }) => !drop.includes(id))
        expect(dropped.some(({ id, isPinned }) => isPinned || given.inUse.has(id))).toBe(false)
        const garbage = garbageChunks(dropped, kept, given.inFlight)
        expect(freedBytes).toBe(10 * garbage.length)
        if (isEnough) {
          const excess = storedBytes(given.models) + given.neededBytes - given.budgetBytes
          expect(freedBytes).toBeGreaterThanOrEqual(Math.max(0, excess))
        } else expect(drop).toEqual([])
      }),
    )
  })

  it('no model of a plan could have stayed', () => {
    fc.assert(
      fc.property(need, (given) => {
        const { drop } = planEviction(given)
        const excess = storedBytes(given.models) + given.neededBytes - given.budgetBytes
        for (const spared of drop) {
          const others = drop.filter((id) => id !== spared)
          const dropped = given.models.filter(({ id }) => others.includes(id))
          const kept = given.models.filter(({ id }) => !others.includes(id))
          expect(10 * garbageChunks(dropped, kept, given.inFlight).length).toBeLessThan(excess)
        }
      }),
    )
  })

  it('a plan gives up only where dropping all that may go would not do', () => {
    fc.assert(
      fc.property(need, (given) => {
        fc.pre(!planEviction(given).isEnough)
        const mayGo = given.models.filter(({ id, isPinned }) => !isPinned && !given.inUse.has(id))
        const stay = given.models.filter((other) => !mayGo.includes(other))
        const excess = storedBytes(given.models) + given.neededBytes - given.budgetBytes
        expect(10 * garbageChunks(mayGo, stay, given.inFlight).length).toBeLessThan(excess)
      }),
    )
  })
})
