/** Workers that die again and again: refused for a while that doubles, until one has shown that it can live. */
import { expect, it } from 'vitest'
import { Deaths } from '../../../packages/sdk/src/runtime/deaths.js'
import { ManualClock } from './manual-clock.js'

function create() {
  const clock = new ManualClock()
  const deaths = new Deaths(clock)
  const die = (times: number) => Array.from({ length: times }, () => deaths.add())
  return { clock, deaths, die }
}

it('three deaths within a minute are too many, two are not, nor three of an hour', () => {
  const { clock, deaths, die } = create()
  die(2)
  expect(deaths.remainingMs).toBe(0)
  clock.advance(60_000)
  die(2)
  expect(deaths.remainingMs).toBe(0)
  die(1)
  expect(deaths.remainingMs).toBe(5_000)
  clock.advance(5_000)
  expect(deaths.remainingMs).toBe(0)
})

it('after a rest one death is too many, and the rest doubles up to five minutes', () => {
  const { clock, deaths, die } = create()
  die(3)
  const rests: number[] = []
  for (let time = 0; time < 8; time += 1) {
    rests.push(deaths.remainingMs)
    clock.advance(deaths.remainingMs)
    die(1)
  }
  expect(rests).toEqual([5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000])
})

it('a worker that lives has all forgiven', () => {
  const { deaths, die } = create()
  die(3)
  deaths.forgive()
  expect(deaths.remainingMs).toBe(0)
  die(2)
  expect(deaths.remainingMs).toBe(0)
})
