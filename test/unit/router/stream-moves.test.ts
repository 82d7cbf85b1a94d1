/** Moves on purpose: away from who is slow, and home to the device; who writes stops only when the next one has begun. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Placement } from '../../../packages/sdk/src/contract/index.js'
import { elsewhere, estimate, planned, remote, wasm } from './dispatching.js'
import { placesOf, readAll, stream, words } from './streaming.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const slow = { size: 2, ms: 500 }
const floor = { minTokensPerSecond: 10 }

/** Reads while time passes. */
async function play(set: ReturnType<typeof stream>) {
  const reading = readAll(set.events)
  await vi.advanceTimersByTimeAsync(120_000)
  return { ...(await reading), ...set }
}

describe('a placement under the floor', () => {
  it('hands over in mid-stream to one that is expected to be faster', async () => {
    const { text, seen, ends, moves, told, tried } = await play(
      stream([wasm, remote], { wasm: slow }, { context: floor }),
    )
    expect(text).toBe(words)
    expect(placesOf(seen)).toEqual(['wasm', 'remote'])
    expect(ends()).toEqual([
      ['wasm', 'cancelled'],
      ['remote', 'answered'],
    ])
    expect(moves).toMatchObject([
      { why: 'slow', reason: expect.stringContaining('minTokensPerSecond of 10') as string },
    ])
    expect(told).toEqual([])
    expect(tried[0]?.pace).toMatchObject({ firstOutputMs: 500, laterTokens: expect.any(Number) as number })
  })

  it('stays where nobody else is expected to be faster', async () => {
    const slower = planned(remote, { estimate: { ...estimate, tokensPerSecond: 2 } })
    const { seen, text } = await play(stream([wasm, slower], { wasm: slow }, { context: floor }))
    expect(placesOf(seen)).toEqual(['wasm'])
    expect(text).toBe(words)
  })

  it('stays where the policy has no floor', async () => {
    expect(placesOf((await play(stream([wasm, remote], { wasm: slow }))).seen)).toEqual(['wasm'])
  })

  it('stays where the next one would leave a seam', async () => {
    const options = { responseFormat: { type: 'json_object' } } as const
    const { seen } = await play(stream([wasm, remote], { wasm: slow }, { context: floor, options }))
    expect(placesOf(seen)).toEqual(['wasm'])
  })

  it('goes on where the next one fails before its first text', async () => {
    const dead = { cut: { after: 0, by: 'REMOTE_FAILED' } } as const
    const set = await play(stream([wasm, remote], { wasm: slow, remote: dead }, { context: floor }))
    expect(set.text).toBe(words)
    expect(placesOf(set.seen)).toEqual(['wasm'])
    expect(set.ends()).toEqual([
      ['remote', 'REMOTE_FAILED'],
      ['wasm', 'answered'],
    ])
    expect(set.told).toMatchObject([{ placement: remote }])
  })

  it('writes again where the one that it has handed over to fails', async () => {
    const cut = { after: 10, by: 'REMOTE_FAILED' } as const
    const set = await play(stream([wasm, remote], { wasm: slow, remote: { cut } }, { context: floor }))
    expect(set.text).toBe(words)
    expect(placesOf(set.seen)).toEqual(['wasm', 'remote', 'wasm'])
  })
})

it('one slow step is no slowness', async () => {
  const events = Array.from({ length: 40 }, () => ({ type: 'delta', text: 'a', tokenIds: [1] }) as const)
  const set = stream([wasm, remote], { wasm: { events } }, { context: floor })
  const reader = set.events.getReader()
  const seen = []
  for (let next = await reader.read(), reads = 0; !next.done; reads += 1) {
    seen.push(next.value)
    const reading = reader.read()
    await vi.advanceTimersByTimeAsync(reads === 30 ? 5_000 : 10)
    next = await reading
  }
  expect(placesOf(seen)).toEqual(['wasm'])
})

it('time in which nobody reads is no slowness', async () => {
  const set = stream([wasm, remote], {}, { context: floor })
  const reader = set.events.getReader()
  const seen = []
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    seen.push(next.value)
    await vi.advanceTimersByTimeAsync(2_000)
  }
  expect(placesOf(seen)).toEqual(['wasm'])
})

it('an endpoint that stalls in mid-stream is left for another one', async () => {
  const cut = { after: 12, by: 'hang' } as const
  const set = await play(stream([remote, elsewhere], { remote: { cut } }))
  // Endpoints are of one engine each.
  expect(set.text).toBe(words)
  expect(placesOf(set.seen)).toEqual(['remote', 'elsewhere'])
  expect(set.moves).toMatchObject([{ why: 'slow', reason: expect.stringContaining('nothing for 15 s') as string }])
})

describe('an answer that began at an endpoint', () => {
  const loading = planned(wasm, { readiness: 'loading' })
  const readyAfter = (ms: number) => ({
    prefersDevice: true,
    comingHome: ([placement]: readonly Placement[]) =>
      new Promise<Placement>((resolve) => void setTimeout(() => placement && resolve(placement), ms)),
  })
  const writing = { size: 2, ms: 100 }

  it('comes home when the device is ready, which has begun before the endpoint stops', async () => {
    const set = stream([remote, loading], { remote: writing, wasm: { ms: 300 } }, { context: readyAfter(1_000) })
    const reading = readAll(set.events)
    await vi.advanceTimersByTimeAsync(1_300)
    expect(set.asked).toMatchObject([{ name: 'remote', isCancelled: false }, { name: 'wasm' }])
    await vi.advanceTimersByTimeAsync(60_000)
    const { text, seen, segments } = await reading
    expect(text).toBe(words)
    expect(placesOf(seen)).toEqual(['remote', 'wasm'])
    expect(segments.map(({ placement }) => placement)).toEqual([remote, wasm])
    expect(set.asked[0]?.isCancelled).toBe(true)
    expect(set.moves).toMatchObject([{ why: 'home', reason: 'The model is ready on device (wasm, fp32)' }])
    expect(set.ends()).toEqual([
      ['remote', 'cancelled'],
      ['wasm', 'answered'],
    ])
  })

  it('stays where too little is left to write', async () => {
    const options = { maxTokens: 60 }
    const set = await play(stream([remote, loading], { remote: writing }, { context: readyAfter(1_000), options }))
    expect(placesOf(set.seen)).toEqual(['remote'])
  })

  it('stays where the device is not preferred, and not known to be faster', async () => {
    const context = { ...readyAfter(1_000), prefersDevice: false }
    expect(placesOf((await play(stream([remote, loading], { remote: writing }, { context }))).seen)).toEqual(['remote'])
    const fast = planned(wasm, { readiness: 'loading', estimate: { ...estimate, tokensPerSecond: 1_000 } })
    const set = await play(
      stream(
        [remote, fast],
        { remote: writing },
        { context: { ...context, ...readyAfter(3_000), prefersDevice: false } },
      ),
    )
    expect(placesOf(set.seen)).toEqual(['remote', 'wasm'])
  })

  it('goes on there where the device fails, or takes too long', async () => {
    for (const by of ['OUT_OF_MEMORY', 'hang'] as const) {
      const set = await play(
        stream([remote, loading], { remote: writing, wasm: { cut: { after: 0, by } } }, { context: readyAfter(1_000) }),
      )
      expect(set.text).toBe(words)
      expect(placesOf(set.seen)).toEqual(['remote'])
      expect(set.ends()).toEqual([
        ['wasm', by === 'hang' ? 'cancelled' : by],
        ['remote', 'answered'],
      ])
    }
  })

  it('does not come home to a device that has written it before', async () => {
    const lost = { cut: { after: 8, by: 'OUT_OF_MEMORY' } } as const
    const webgpu = { engine: 'device', backend: 'webgpu', variant: 'fp32' } as const
    const ready = planned(wasm)
    const set = await play(
      stream([webgpu, remote, ready], { webgpu: lost, remote: writing }, { context: readyAfter(500) }),
    )
    expect(placesOf(set.seen)).toEqual(['webgpu', 'remote'])
  })

  it('is written at home where the endpoint has not begun by then', async () => {
    const silent = { cut: { after: 0, by: 'hang' } } as const
    const set = await play(stream([remote, loading], { remote: silent }, { context: readyAfter(1_000) }))
    expect(set.text).toBe(words)
    expect(placesOf(set.seen)).toEqual(['wasm'])
  })
})
