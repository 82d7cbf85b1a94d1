/** When a server counts as silent, by a clock that the tests set. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Servers } from '../../../packages/sdk/src/weights/servers.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const url = 'https://models.example/a/weights.bin'

test('a server that sends nothing has stalled when its time is up, and is said so once', () => {
  const onStalled = vi.fn()
  new Servers().at(url).watch(1_000, onStalled)
  vi.advanceTimersByTime(999)
  expect(onStalled).not.toHaveBeenCalled()
  vi.advanceTimersByTime(10_000)
  expect(onStalled).toHaveBeenCalledOnce()
})

test('what comes for one request restarts the clocks of all that wait for the same server, and of no other', () => {
  const servers = new Servers()
  const [waiting, patient, elsewhere] = [vi.fn(), vi.fn(), vi.fn()]
  servers.at(url).watch(1_000, waiting)
  servers.at('https://models.example/b/manifest.json').watch(5_000, patient)
  servers.at('https://mirror.example/a/weights.bin').watch(1_000, elsewhere)
  for (let piece = 0; piece < 20; piece += 1) {
    vi.advanceTimersByTime(900)
    servers.at('https://models.example/c').heard()
  }
  expect(elsewhere).toHaveBeenCalledOnce()
  expect(waiting).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1_000)
  expect(waiting).toHaveBeenCalledOnce()
  expect(patient).not.toHaveBeenCalled()
  vi.advanceTimersByTime(4_000)
  expect(patient).toHaveBeenCalledOnce()
})

test('what came before a request began to wait is no part of its time', () => {
  const servers = new Servers()
  servers.at(url).heard()
  vi.advanceTimersByTime(60_000)
  const onStalled = vi.fn()
  servers.at(url).watch(1_000, onStalled)
  vi.advanceTimersByTime(999)
  expect(onStalled).not.toHaveBeenCalled()
})

test('a wait that has ended hears nothing, and leaves no timer', () => {
  const servers = new Servers()
  const onStalled = vi.fn()
  const stopWatching = servers.at(url).watch(1_000, onStalled)
  vi.advanceTimersByTime(900)
  servers.at(url).heard()
  vi.advanceTimersByTime(200) // It has looked once, and set its timer anew.
  stopWatching()
  expect(vi.getTimerCount()).toBe(0)
  vi.advanceTimersByTime(10_000)
  expect(onStalled).not.toHaveBeenCalled()
})
