/** Who stays away from a loaded endpoint, for how long, and that a fleet neither moves at once nor swings. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EndpointLoads } from '../../../packages/sdk/src/router/index.js'

const endpoint = 'https://endpoint.example/'

/** A client that starts to stay away above `0.6 + 0.3 × draw`, and holds each state for `5 + 10 × draw` seconds. */
const clientOf = (draw: number) => new EndpointLoads(() => draw)

/** Random numbers that are the same each time. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

describe('an endpoint', () => {
  it('is not spared before anything is known of it, nor while it is not loaded', () => {
    const loads = clientOf(0.5)
    expect([loads.isSpared(endpoint, 0), loads.of(endpoint, 0)]).toEqual([false, undefined])
    loads.report(endpoint, { utilization: 0.75, at: 0 })
    expect(loads.isSpared(endpoint, 0)).toBe(false)
  })

  it("is spared above the client's own threshold, and only that endpoint", () => {
    const loads = clientOf(0.5)
    loads.report(endpoint, { utilization: 0.76, at: 0 })
    expect(loads.isSpared(endpoint, 1)).toBe(true)
    expect(loads.isSpared('https://elsewhere.example/', 1)).toBe(false)
  })

  it('is spared until it is well below the threshold', () => {
    const loads = clientOf(0.5)
    loads.report(endpoint, { utilization: 0.8, at: 0 })
    loads.report(endpoint, { utilization: 0.51, at: 11_000 })
    expect(loads.isSpared(endpoint, 11_000)).toBe(true)
    loads.report(endpoint, { utilization: 0.49, at: 12_000 })
    expect(loads.isSpared(endpoint, 12_000)).toBe(false)
  })

  it('stays spared for a while, whatever it says', () => {
    const loads = clientOf(0.5)
    loads.report(endpoint, { utilization: 0.8, at: 0 })
    loads.report(endpoint, { utilization: 0, at: 9_999 })
    expect(loads.isSpared(endpoint, 9_999)).toBe(true)
    loads.report(endpoint, { utilization: 0, at: 10_000 })
    expect(loads.isSpared(endpoint, 10_000)).toBe(false)
  })

  it('that nobody hears of is asked again, and the answer decides', () => {
    const loads = clientOf(0.5)
    loads.report(endpoint, { utilization: 1, at: 0 })
    expect(loads.isSpared(endpoint, 9_999)).toBe(true)
    expect(loads.isSpared(endpoint, 10_000)).toBe(false)
    loads.report(endpoint, { utilization: 0.6, at: 10_000 })
    expect(loads.isSpared(endpoint, 10_001)).toBe(true)
  })

  it('that refuses a request is full, whatever it said before', () => {
    const loads = clientOf(1)
    loads.report(endpoint, { utilization: 0.1, expectedWaitMs: 20, at: 0 })
    loads.refused(endpoint, 100)
    expect(loads.isSpared(endpoint, 100)).toBe(true)
    expect(loads.of(endpoint, 100)).toEqual({ utilization: 1, expectedWaitMs: 20, at: 100 })
  })

  it('whose refusal came with a worse report keeps that', () => {
    const loads = clientOf(1)
    const load = { utilization: 1.5, expectedWaitMs: 20, at: 100 }
    loads.report(endpoint, load)
    loads.refused(endpoint, 101)
    expect(loads.of(endpoint, 101)).toEqual({ ...load, at: 101 })
  })

  it('is forgotten half a minute after its last report', () => {
    const loads = clientOf(0.5)
    const load = { utilization: 0.3, at: 1000 }
    loads.report(endpoint, load)
    expect(loads.of(endpoint, 31_000)).toEqual(load)
    expect(loads.of(endpoint, 31_001)).toBeUndefined()
  })
})

describe('a client', () => {
  it('never changes its mind twice within five seconds', () => {
    const reports = fc.array(fc.tuple(fc.integer({ min: 1, max: 3000 }), fc.double({ min: 0, max: 2, noNaN: true })))
    fc.assert(
      fc.property(fc.integer(), reports, (seed, steps) => {
        const loads = new EndpointLoads(randomFrom(seed))
        let at = 0
        let changedAt = -Infinity
        let wasSpared = false
        for (const [pauseMs, utilization] of steps) {
          at += pauseMs
          loads.report(endpoint, { utilization, at })
          const isSpared = loads.isSpared(endpoint, at)
          if (isSpared === wasSpared) continue
          expect(at - changedAt).toBeGreaterThanOrEqual(5_000)
          wasSpared = isSpared
          changedAt = at
        }
      }),
    )
  })
})

describe('a fleet of 500', () => {
  const fleet = () => Array.from({ length: 500 }, (_, index) => new EndpointLoads(randomFrom(index * 7919 + 1)))
  const share = (clients: EndpointLoads[], at: number) =>
    clients.filter((client) => client.isSpared(endpoint, at)).length / clients.length

  it('moves away bit by bit as the load rises: nobody below 0.6, all above 0.9, about half between', () => {
    const shareAt = (utilization: number) => {
      const clients = fleet()
      for (const client of clients) client.report(endpoint, { utilization, at: 0 })
      return share(clients, 0)
    }
    const levels = Array.from({ length: 41 }, (_, step) => step / 40)
    const shares = levels.map(shareAt)
    shares.slice(1).forEach((each, index) => expect(each).toBeGreaterThanOrEqual(shares[index] ?? 0))
    expect([shareAt(0.6), shareAt(0.9)]).toEqual([0, 1])
    expect(shareAt(0.75)).toBeGreaterThan(0.4)
    expect(shareAt(0.75)).toBeLessThan(0.6)
  })

  it('settles when what it takes away lowers the load, and does not swing', () => {
    const clients = fleet()
    const shares: number[] = []
    // All of them together would load the endpoint at 1.6; it is asked once a second.
    for (let second = 0; second < 300; second += 1) {
      const at = second * 1000
      const utilization = 1.6 * (1 - share(clients, at))
      for (const client of clients) {
        if (!client.isSpared(endpoint, at)) client.report(endpoint, { utilization, at })
      }
      shares.push(share(clients, at))
    }
    const settled = shares.slice(60)
    expect(Math.max(...settled) - Math.min(...settled)).toBeLessThan(0.3)
  })
})
