/** Progress never goes back, is told often enough and not too often, and ends with everything. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { LoadProgress, type LoadSnapshot } from '../../../packages/sdk/src/worker/load-progress.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function start(totalBytes: number) {
  const told: LoadSnapshot[] = []
  const progress = new LoadProgress(totalBytes, (snapshot) => told.push(snapshot))
  return { progress, told }
}

it('tells at once what is missing: the network has it, or what is cached is read', () => {
  const [cold, warm] = [start(10), start(10)]
  cold.progress.missing(4)
  warm.progress.missing(0)
  expect(cold.told).toEqual([{ phase: 'download', loadedBytes: 0, totalBytes: 10, cachedBytes: 0 }])
  expect(warm.told).toEqual([{ phase: 'verify', loadedBytes: 0, totalBytes: 10, cachedBytes: 0 }])
})

it('tells bytes every 50 ms at most, and the last of them also when no more come', () => {
  const { progress, told } = start(1_000)
  for (let i = 0; i < 100; i += 1) {
    progress.received(1, 'network')
    vi.advanceTimersByTime(1)
  }
  expect(told.map(({ loadedBytes }) => loadedBytes)).toEqual([1, 50, 100])
  progress.received(1, 'network')
  vi.advanceTimersByTime(50)
  expect(told.at(-1)).toMatchObject({ loadedBytes: 101 })
})

it('never goes back, though bytes that were wrong come again', () => {
  const { progress, told } = start(100)
  for (const bytes of [60, -60, 30, 70]) {
    progress.received(bytes, 'network')
    vi.advanceTimersByTime(60)
  }
  expect(told.map(({ loadedBytes }) => loadedBytes)).toEqual([60, 100])
})

it('a cached chunk that turns out wrong is downloaded: the phase says so', () => {
  const { progress, told } = start(100)
  progress.missing(0)
  progress.received(60, 'cache')
  progress.received(40, 'network')
  expect(told.at(-1)).toMatchObject({ phase: 'download', loadedBytes: 100, cachedBytes: 60 })
})

it('tells the rate of the network and the time left at it', () => {
  const { progress, told } = start(10_000)
  progress.received(2_000, 'cache')
  for (let i = 0; i < 20; i += 1) {
    vi.advanceTimersByTime(100)
    progress.received(200, 'network')
  }
  expect(told.at(-1)).toMatchObject({ loadedBytes: 6_000, bytesPerSecond: 2_000, remainingMs: 2_000 })
})

it('a download that stalls is told with a rate that falls, then without a time', () => {
  const { progress, told } = start(10_000)
  for (let i = 0; i < 20; i += 1) {
    progress.received(200, 'network')
    vi.advanceTimersByTime(100)
  }
  const before = told.at(-1)?.bytesPerSecond ?? 0
  vi.advanceTimersByTime(2_000)
  expect(told.at(-1)?.bytesPerSecond).toBeLessThan(before)
  vi.advanceTimersByTime(6_000)
  expect(told.at(-1)).toMatchObject({ bytesPerSecond: 0 })
  expect(told.at(-1)).not.toHaveProperty('remainingMs')
})

it('tells what comes after the files at once, each once, with all bytes', () => {
  const { progress, told } = start(10)
  progress.received(10, 'network')
  for (const phase of ['runtime', 'session', 'session', 'canary'] as const) progress.phase(phase)
  expect(told.map(({ phase }) => phase)).toEqual(['download', 'runtime', 'session', 'canary'])
  for (const { loadedBytes } of told) expect(loadedBytes).toBe(10)
})

it('ends with everything, and then tells no more', () => {
  const { progress, told } = start(10)
  progress.received(4, 'network')
  progress.complete()
  expect(told.at(-1)).toMatchObject({ loadedBytes: 10, totalBytes: 10 })
  const often = told.length
  progress.received(1, 'network')
  progress.phase('canary')
  vi.runAllTimers()
  expect(told).toHaveLength(often)
})

it('the time that a load is held back does not slow its rate', () => {
  const told: LoadSnapshot[] = []
  let heldMs = 0
  const progress = new LoadProgress(
    10_000,
    (snapshot) => told.push(snapshot),
    () => heldMs,
  )
  progress.missing(10_000)
  for (let i = 0; i < 20; i += 1) {
    vi.advanceTimersByTime(100)
    progress.received(200, 'network')
  }
  vi.advanceTimersByTime(9_000)
  heldMs = 9_000
  vi.advanceTimersByTime(1_000)
  heldMs += 1_000
  progress.received(200, 'network')
  vi.advanceTimersByTime(100)
  progress.received(200, 'network')
  vi.advanceTimersByTime(100)
  expect(told.at(-1)?.bytesPerSecond).toBeGreaterThan(1_500)
})
