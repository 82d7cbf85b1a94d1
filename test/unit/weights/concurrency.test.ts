/** The number of requests at once follows what they were measured to bring. */
import { describe, expect, test } from 'vitest'
import { LaneCount, nextLanes, type Window } from '../../../packages/sdk/src/weights/concurrency.js'

const limits = { minLanes: 2, maxLanes: 6 }
const windows = (...pairs: [lanes: number, throughput: number][]): Window[] =>
  pairs.map(([lanes, throughput]) => ({ lanes, throughput }))

describe('nextLanes', () => {
  test.each<[string, Window[], number]>([
    ['begins with the fewest', [], 2],
    ['tries one more', windows([4, 100]), 5],
    ['goes on while one more brings more', windows([4, 100], [5, 125]), 6],
    ['never has more than the most', windows([5, 100], [6, 120]), 6],
    ['goes back when one more brings nothing', windows([4, 100], [5, 105]), 4],
    ['then tries whether fewer do as well', windows([4, 100], [5, 100], [4, 100]), 3],
    ['goes back up when they do not', windows([4, 100], [5, 100], [4, 100], [3, 75]), 4],
    ['and stays there', windows([4, 100], [5, 100], [4, 100], [3, 75], [4, 100]), 4],
    ['never has fewer than the fewest', windows([3, 100], [2, 100]), 2],
    ['tries anew when the link has become another', windows([4, 100], [5, 100], [4, 400]), 5],
  ])('%s', (_, measured, next) => {
    expect(nextLanes(measured, limits)).toBe(next)
  })
})

describe('LaneCount', () => {
  /** How many lanes there are after each second on a link, beginning with four. */
  function simulate(throughput: (lanes: number, second: number) => number, seconds: number): number[] {
    const count = new LaneCount(4, limits, 1_000)
    let lanes = count.received(0, 0)
    return Array.from({ length: seconds }, (_, second) => {
      lanes = count.received(throughput(lanes, second) * 1_000, (second + 1) * 1_000)
      return lanes
    })
  }

  test('grows to the most where every connection is limited alone', () => {
    expect(simulate((lanes) => lanes * 100, 8).slice(-4)).toEqual([6, 6, 6, 6])
  })

  test('shrinks to the fewest where one connection fills the link', () => {
    expect(simulate(() => 500, 12).slice(-4)).toEqual([2, 2, 2, 2])
  })

  test('finds the number that fills the link', () => {
    expect(simulate((lanes) => Math.min(lanes, 3) * 100, 12).slice(-4)).toEqual([3, 3, 3, 3])
  })

  test('grows again when the link becomes faster', () => {
    const lanes = simulate((count, second) => (second < 12 ? 200 : count * 1_000), 24)
    expect([lanes[11], lanes[23]]).toEqual([2, 6])
  })

  test('does not change before a window is over', () => {
    const count = new LaneCount(4, limits, 1_000)
    expect([0, 500, 999].map((now) => count.received(1, now))).toEqual([4, 4, 4])
  })
})
