/** The watchdog: what hangs is ended, what is slow, asleep or waiting is not. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Watchdog } from '../../../packages/sdk/src/runtime/watchdog.js'
import { ManualClock } from './manual-clock.js'

const never = () => new Promise<number>(() => undefined)

let clock: ManualClock
const onHung = vi.fn<(silentMs: number) => void>()

beforeEach(() => {
  clock = new ManualClock()
  onHung.mockReset()
})

function createWatchdog(ask: () => Promise<number> = never) {
  return new Watchdog({ clock, ask, onHung })
}

/** Lets what was asked be answered between two ticks. */
async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    clock.advance(1_000)
    await Promise.resolve().then(() => Promise.resolve())
  }
}

describe('a run', () => {
  it('that is silent for longer than its limit ends the worker, once', () => {
    const watchdog = createWatchdog()
    watchdog.watch('wasm', 10_000)
    clock.advance(9_000)
    expect(onHung).not.toHaveBeenCalled()
    clock.advance(60_000)
    expect(onHung.mock.calls).toEqual([[10_000]])
    expect(clock.pending).toBe(0)
  })

  it('may take as long as the most patient of those in flight', () => {
    const watchdog = createWatchdog()
    watchdog.watch('wasm', 10_000)
    const long = watchdog.watch('wasm', 30_000)
    clock.advance(29_000)
    expect(onHung).not.toHaveBeenCalled()
    long.answered()
    clock.advance(9_000)
    expect(onHung).not.toHaveBeenCalled()
    clock.advance(1_000)
    expect(onHung).toHaveBeenCalledOnce()
  })

  it('that waits behind others which end is no hang', () => {
    const watchdog = createWatchdog()
    watchdog.watch('wasm', 10_000)
    for (let others = 0; others < 10; others += 1) {
      const other = watchdog.watch('wasm', 10_000)
      clock.advance(8_000)
      other.answered()
    }
    expect(onHung).not.toHaveBeenCalled()
  })

  it('hangs though runs of another backend, and the worker, still answer', () => {
    const watchdog = createWatchdog()
    watchdog.watch('webgpu', 10_000)
    for (let others = 0; others < 10; others += 1) {
      const [run, call] = [watchdog.watch('wasm', 10_000), watchdog.watch('answers', 10_000)]
      clock.advance(1_000)
      run.answered()
      call.answered()
    }
    expect(onHung).toHaveBeenCalledOnce()
  })

  it('of many graphs gets on as long as the worker says that it has done more of them', async () => {
    let runs = 0
    const watchdog = createWatchdog(() => Promise.resolve((runs += 1)))
    watchdog.watch('wasm', 10_000)
    await pass(60)
    expect(onHung).not.toHaveBeenCalled()
  })

  it('hangs when the worker answers but does no runs any more', async () => {
    const watchdog = createWatchdog(() => Promise.resolve(7))
    watchdog.watch('wasm', 10_000)
    await pass(20)
    expect(onHung).toHaveBeenCalledOnce()
  })

  it('that nobody waits for any more still hangs for those who come after it', () => {
    const watchdog = createWatchdog()
    for (let request = 0; request < 4; request += 1) {
      const impatient = watchdog.watch('wasm', 10_000)
      clock.advance(3_000)
      impatient.abandoned()
    }
    expect(onHung).toHaveBeenCalledOnce()
  })

  it('that nobody waits for is not counted while nobody waits, and has ended when another one does', () => {
    const watchdog = createWatchdog()
    watchdog.watch('wasm', 10_000).abandoned()
    clock.advance(100_000)
    expect(onHung).not.toHaveBeenCalled()
    watchdog.watch('wasm', 2_000).answered()
    watchdog.watch('wasm', 2_000)
    clock.advance(2_000)
    expect(onHung).toHaveBeenCalledOnce()
  })
})

describe('time', () => {
  it('counts only while the page is awake: sleep, and one timer a minute, end no worker', () => {
    const watchdog = createWatchdog()
    watchdog.watch('wasm', 10_000)
    clock.advance(1_000)
    clock.sleep(24 * 3_600_000)
    expect(onHung).not.toHaveBeenCalled()
    clock.sleep(60_000)
    clock.sleep(60_000)
    expect(onHung).not.toHaveBeenCalled()
    clock.advance(3_000)
    expect(onHung).toHaveBeenCalledOnce()
  })

  it('is not counted, and no timer runs, when nothing is in flight', () => {
    const watchdog = createWatchdog()
    const run = watchdog.watch('wasm', 10_000)
    run.answered()
    clock.advance(1_000)
    expect(clock.pending).toBe(0)
  })
})

describe('a load', () => {
  it('that waits for the network only needs a worker that answers', async () => {
    let asked = 0
    const watchdog = createWatchdog(() => Promise.resolve((asked += 1) * 0))
    watchdog.watch('answers', 10_000)
    await pass(600)
    expect(onHung).not.toHaveBeenCalled()
    // Every few seconds, not at every tick.
    expect(asked).toBeLessThan(250)
  })

  it('that waits in a worker that answers nothing ends it', () => {
    const watchdog = createWatchdog()
    watchdog.watch('answers', 10_000)
    clock.advance(10_000)
    expect(onHung).toHaveBeenCalledOnce()
  })

  it('that starts a runtime has to get on itself, whatever else the worker answers', async () => {
    const watchdog = createWatchdog(() => Promise.resolve(0))
    const load = watchdog.watch('answers', 10_000)
    load.progressed('answers')
    load.progressed('load 1')
    for (let others = 0; others < 9; others += 1) {
      const run = watchdog.watch('wasm', 10_000)
      await pass(1)
      run.answered()
    }
    expect(onHung).not.toHaveBeenCalled()
    await pass(1)
    expect(onHung).toHaveBeenCalledOnce()
  })

  it('that has its session made waits for its turn as long as runs of its backend end', () => {
    const watchdog = createWatchdog()
    const load = watchdog.watch('answers', 10_000)
    load.progressed('wasm')
    for (let others = 0; others < 5; others += 1) {
      const run = watchdog.watch('wasm', 10_000)
      clock.advance(8_000)
      run.answered()
    }
    load.progressed('wasm')
    clock.advance(9_000)
    expect(onHung).not.toHaveBeenCalled()
    clock.advance(1_000)
    expect(onHung).toHaveBeenCalledOnce()
  })
})

it('watches nothing any more when it has been stopped', () => {
  const watchdog = createWatchdog()
  watchdog.watch('wasm', 1_000)
  watchdog.stop()
  watchdog.watch('wasm', 1_000)
  clock.advance(10_000)
  expect(onHung).not.toHaveBeenCalled()
  expect(clock.pending).toBe(0)
})
