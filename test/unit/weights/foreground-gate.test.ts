/** Loads of low priority are held back while the page needs the network: not for ever, and never when somebody waits. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { ForegroundGate, LowPriority } from '../../../packages/sdk/src/weights/foreground-gate.js'

const longestMs = 10_000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function create() {
  const gate = new ForegroundGate()
  return { gate, low: new LowPriority(gate) }
}

/** Whether a promise is settled, after everything that is due now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const settle = () => (settled = true)
  promise.then(settle, settle)
  await vi.advanceTimersByTimeAsync(0)
  return settled
}

describe('a load of low priority', () => {
  test('reads and asks while the page needs nothing', async () => {
    const { low } = create()
    await low.mayRead(neverAborted())
    expect(await low.mayAsk(neverAborted())).toBeTypeOf('function')
    expect(low.isLow).toBe(true)
  })

  test('neither reads nor asks until the page needs the network no more', async () => {
    const { gate, low } = create()
    gate.set(2)
    const [reading, asking] = [low.mayRead(neverAborted()), low.mayAsk(neverAborted())]
    gate.set(1)
    expect([await isSettled(reading), await isSettled(asking)]).toEqual([false, false])
    gate.set(0)
    expect([await isSettled(reading), await isSettled(asking)]).toEqual([true, true])
  })

  test('stops waiting at once when it is aborted', async () => {
    const { gate, low } = create()
    gate.set(1)
    const controller = new AbortController()
    const reading = low.mayRead(controller.signal)
    controller.abort(new Error('not needed any more'))
    await expect(reading).rejects.toThrow('not needed any more')
  })

  test('goes on at once when somebody waits for it, whatever the page needs', async () => {
    const { gate, low } = create()
    gate.set(1)
    const reading = low.mayRead(neverAborted())
    low.hasten()
    expect(await isSettled(reading)).toBe(true)
    expect(low.isLow).toBe(false)
    gate.set(2)
    expect(await isSettled(low.mayRead(neverAborted()))).toBe(true)
  })

  test('leaves connections to others: two requests at a time, of all loads together', async () => {
    const { gate, low } = create()
    const other = new LowPriority(gate)
    const isOver = await low.mayAsk(neverAborted())
    await other.mayAsk(neverAborted())
    const third = low.mayAsk(neverAborted())
    expect(await isSettled(third)).toBe(false)
    isOver()
    isOver() // Said twice, it counts once.
    expect(await isSettled(third)).toBe(true)
    const fourth = other.mayAsk(neverAborted())
    expect(await isSettled(fourth)).toBe(false)
    other.hasten()
    expect(await isSettled(fourth)).toBe(true)
  })
})

describe('a part of a load', () => {
  test('is hastened with it, and without it', async () => {
    const { gate, low } = create()
    const [one, another] = [low.ofPart(), low.ofPart()]
    gate.set(1)
    one.hasten()
    expect([one.isLow, another.isLow, low.isLow]).toEqual([false, true, true])
    const reading = another.mayRead(neverAborted())
    low.hasten()
    expect(await isSettled(reading)).toBe(true)
    expect(another.isLow).toBe(false)
  })

  test('tells when it is hastened', async () => {
    const { low } = create()
    const hastened = low.ofPart().hastened(neverAborted())
    expect(await isSettled(hastened)).toBe(false)
    low.hasten()
    expect(await isSettled(hastened)).toBe(true)
  })
})

describe('a request that never ends', () => {
  test('holds loads back for ten seconds, and no more until another one comes', async () => {
    const { gate, low } = create()
    gate.set(1)
    const reading = low.mayRead(neverAborted())
    await vi.advanceTimersByTimeAsync(longestMs - 1)
    expect(await isSettled(reading)).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(await isSettled(reading)).toBe(true)
    gate.set(1)
    expect(gate.isClosed).toBe(false)
    await vi.advanceTimersByTimeAsync(3_000)
    gate.set(2)
    expect(gate.isClosed).toBe(true)
  })

  test('nor do requests without a gap between them: loads have the link for half of the time', async () => {
    const { gate } = create()
    for (let request = 0; request < 600; request += 1) {
      gate.set(1)
      await vi.advanceTimersByTimeAsync(100)
      gate.set(0)
    }
    const elapsedMs = 600 * 100
    expect(elapsedMs - gate.closedMs).toBeGreaterThan((elapsedMs - longestMs) * 0.45)
  })
})

describe('the time that a load was held back', () => {
  test('is counted from its beginning, until somebody waits for it', async () => {
    const { gate, low: before } = create()
    gate.set(1)
    await vi.advanceTimersByTimeAsync(1_000)
    const low = new LowPriority(gate)
    await vi.advanceTimersByTimeAsync(500)
    expect([before.heldMs, low.heldMs]).toEqual([1_500, 500])
    const part = low.ofPart()
    low.hasten()
    await vi.advanceTimersByTimeAsync(500)
    gate.set(0)
    await vi.advanceTimersByTimeAsync(500)
    expect([before.heldMs, low.heldMs, part.heldMs, low.ofPart().heldMs]).toEqual([2_000, 500, 0, 0])
  })
})
