/** The fleet simulator, with a fixed seed: what Edgeward's policies keep against clients that decide once and for all. */
import { beforeAll, describe, expect, it } from 'vitest'
import { Clock } from '../../sim/clock.js'
import { Random } from '../../sim/random.js'
import { replay } from '../../sim/replay.js'
import { runFleet, runSurge, type FleetRow, type SurgeRow } from '../../sim/report.js'
import { fleetVisits, strategies } from '../../sim/scenarios.js'
import { summarise } from '../../sim/summary.js'
import { models, profiles } from '../../sim/world.js'

const seed = 1

describe('10,000 requests of a fleet', () => {
  const rows = new Map<string, FleetRow>()
  const rowOf = (strategy: keyof typeof strategies): FleetRow => {
    const row = rows.get(strategies[strategy].name)
    if (row === undefined) throw new Error(`${strategy} has not run`)
    return row
  }
  beforeAll(async () => {
    for (const row of await runFleet(seed)) rows.set(row.name, row)
  }, 120_000)

  it('are all answered, or counted as failed', () => {
    for (const { requests } of rows.values()) expect(requests).toBe(10_000)
  })

  it.each(['device', 'remote', 'availability'] as const)(
    'have with Edgeward a 95th percentile as good as %s, or a better one',
    (peer) => {
      expect(rowOf('edgewardFastest').p95Ms).toBeLessThanOrEqual(1.02 * rowOf(peer).p95Ms)
      expect(rowOf('edgewardDevice').p95Ms).toBeLessThanOrEqual(1.02 * rowOf(peer).p95Ms)
    },
  )

  it.each(['edgewardDevice', 'edgewardFastest'] as const)(
    'cost %s fewer bytes than always waiting for the device',
    (own) => {
      expect(rowOf(own).downloadedBytes).toBeLessThan(rowOf('device').downloadedBytes)
    },
  )

  it('run with `prefer: device` more often on the device than with a check of availability', () => {
    expect(rowOf('edgewardDevice').localShare).toBeGreaterThan(rowOf('availability').localShare)
  })

  it.each(['edgewardDevice', 'edgewardFastest'] as const)('fail no more often with %s than with any other', (own) => {
    for (const peer of ['device', 'remote', 'availability'] as const) {
      expect(rowOf(own).failed).toBeLessThanOrEqual(rowOf(peer).failed)
    }
  })
})

describe('ten times what the endpoint can do, for two minutes', () => {
  const rows = new Map<string, SurgeRow>()
  const rowOf = (name: string): SurgeRow => {
    const row = [...rows.values()].find((candidate) => candidate.name === name)
    if (row === undefined) throw new Error(`${name} has not run`)
    return row
  }
  beforeAll(async () => {
    for (const row of await runSurge(seed)) rows.set(row.name, row)
  }, 120_000)

  it('are refused less often when the endpoint tells its load', () => {
    const { refused } = rowOf('Edgeward')
    expect(refused).toBeLessThan(rowOf('Edgeward, `loadReports: false`').refused)
    expect(refused).toBeLessThan(rowOf('Edgeward, load not heeded').refused)
  })

  it('are refused less often by a third at least where the device has the model ready', () => {
    const { refusedReady } = rowOf('Edgeward')
    expect(refusedReady).toBeLessThan((2 / 3) * rowOf('Edgeward, load not heeded').refusedReady)
  })

  it('move to the devices and, when it is over, back', () => {
    const [before, within, after] = rowOf('Edgeward').localShares
    expect(within).toBeGreaterThan(before)
    expect(after).toBeLessThan(within)
  })
})

describe('the simulator', () => {
  it('gives the same numbers for the same seed', async () => {
    const run = async () => summarise(await replay(fleetVisits(7, 300), strategies.edgewardFastest))
    expect(await run()).toEqual(await run())
  })

  it('has shares that sum to one', () => {
    for (const choices of [profiles, models]) {
      expect(choices.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1)
    }
  })

  it('draws log-normally around the median', () => {
    const random = new Random(1)
    const drawn = Array.from({ length: 4_001 }, () => random.logNormal({ median: 10, spread: 0.5 })).sort(
      (a, b) => a - b,
    )
    expect(drawn[2_000]).toBeGreaterThan(9.5)
    expect(drawn[2_000]).toBeLessThan(10.5)
  })

  it('fires timers in the order of their times, and gives the real clock back', async () => {
    const { setTimeout: real } = globalThis
    const clock = new Clock()
    const fired: string[] = []
    for (const ms of [30, 10, 20, 10]) clock.after(ms, () => fired.push(`${ms} at ${performance.now()}`))
    const cancel = clock.after(15, () => fired.push('cancelled'))
    cancel()
    await clock.run()
    expect(fired).toEqual(['10 at 10', '10 at 10', '20 at 20', '30 at 30'])
    expect(globalThis.setTimeout).toBe(real)
  })
})
