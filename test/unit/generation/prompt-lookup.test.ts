/** What was said before is guessed, while guessing pays. */
import { describe, expect, it } from 'vitest'
import { LookupBudget } from '../../../packages/sdk/src/generation/lookup-budget.js'
import { PromptLookup } from '../../../packages/sdk/src/generation/prompt-lookup.js'

const lookupOf = (ids: readonly number[]) => {
  const lookup = new PromptLookup()
  for (const id of ids) lookup.accept(id)
  return lookup
}

describe('PromptLookup', () => {
  it('guesses what stood behind the same tokens last', () => {
    expect(lookupOf([1, 2, 3, 4, 5, 9, 1, 2, 3]).draft(2)).toEqual([4, 5])
    expect(lookupOf([1, 2, 3, 4, 1, 2, 3, 5, 1, 2, 3]).draft(1)).toEqual([5])
  })

  it('goes on with what repeats itself', () => {
    expect(lookupOf([7, 8, 9, 7, 8, 9]).draft(7)).toEqual([7, 8, 9, 7, 8, 9, 7])
  })

  it('guesses nothing where nothing is alike', () => {
    expect(lookupOf([1, 2, 3, 4, 5, 6]).draft(4)).toEqual([])
    expect(lookupOf([1, 2]).draft(4)).toEqual([])
  })
})

describe('LookupBudget', () => {
  it('checks more while guesses are right', () => {
    const budget = new LookupBudget()
    expect(budget.draftLength).toBe(0)
    budget.addStep(10)
    expect(budget.draftLength).toBe(4)
    budget.addCheck({ drafted: 4, accepted: 4, ms: 15 })
    expect(budget.draftLength).toBe(8)
    budget.addCheck({ drafted: 8, accepted: 1, ms: 20 })
    expect(budget.draftLength).toBe(2)
  })

  it('loses no more than a small share of the time to guesses that are wrong', () => {
    const budget = new LookupBudget()
    let steps = 0
    let lost = 0
    for (; steps < 1000; steps += 1) {
      if (budget.draftLength > 0) {
        budget.addCheck({ drafted: budget.draftLength, accepted: 0, ms: 14 })
        lost += 4
      } else budget.addStep(10)
    }
    expect(lost / (steps * 10)).toBeLessThan(0.015)
    expect(lost).toBeGreaterThan(0)
  })

  it('ends guessing that is right and still too slow, and begins again when it pays', () => {
    const budget = new LookupBudget()
    budget.addStep(10)
    for (let check = 0; check < 3; check += 1) budget.addCheck({ drafted: 4, accepted: 4, ms: 80 })
    expect(budget.draftLength).toBe(0)
    for (let step = 0; step < 1000; step += 1) budget.addStep(10)
    expect(budget.draftLength).toBeGreaterThan(0)
  })
})
