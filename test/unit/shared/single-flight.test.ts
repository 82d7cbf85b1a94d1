/** Work that several callers share: done once, ended only when nobody waits any more. */
import { describe, expect, it } from 'vitest'
import { createDeferred, neverAborted, SingleFlight, type Deferred } from '../../../packages/sdk/src/shared/index.js'

/** Work that the test settles, and the signals it was started with. */
function createWork() {
  const started: { signal: AbortSignal; end: Deferred<string> }[] = []
  const work = (signal: AbortSignal) => {
    const end = createDeferred<string>()
    started.push({ signal, end })
    signal.addEventListener('abort', () => end.reject(signal.reason))
    return end.promise
  }
  return { started, work }
}

describe('shared work', () => {
  it('is done once for all who ask for the same key at the same time', async () => {
    const flights = new SingleFlight<string, string>()
    const { started, work } = createWork()
    const answers = [flights.run('a', neverAborted(), work), flights.run('a', neverAborted(), work)]
    const other = flights.run('b', neverAborted(), work)
    expect(started).toHaveLength(2)
    started[0]?.end.resolve('for a')
    started[1]?.end.resolve('for b')
    expect(await Promise.all(answers)).toEqual(['for a', 'for a'])
    expect(await other).toBe('for b')
  })

  it('goes on for the others when one caller aborts, who gets their own reason', async () => {
    const flights = new SingleFlight<string, string>()
    const { started, work } = createWork()
    const leaving = new AbortController()
    const left = flights.run('a', leaving.signal, work)
    const stayed = flights.run('a', neverAborted(), work)
    const reason = new Error('gone')
    leaving.abort(reason)
    await expect(left).rejects.toBe(reason)
    expect(started[0]?.signal.aborted).toBe(false)
    started[0]?.end.resolve('done')
    expect(await stayed).toBe('done')
  })

  it('is aborted with the last reason when its last caller aborts, and then starts afresh', async () => {
    const flights = new SingleFlight<string, string>()
    const { started, work } = createWork()
    const first = new AbortController()
    const last = new AbortController()
    const answers = [flights.run('a', first.signal, work), flights.run('a', last.signal, work)]
    first.abort('first')
    last.abort('last')
    expect(await Promise.allSettled(answers)).toMatchObject([{ reason: 'first' }, { reason: 'last' }])
    expect(started[0]?.signal.reason).toBe('last')
    const again = flights.run('a', neverAborted(), work)
    expect(started).toHaveLength(2)
    started[1]?.end.resolve('fresh')
    expect(await again).toBe('fresh')
  })

  it('is not started for a caller who has aborted already', async () => {
    const { started, work } = createWork()
    await expect(new SingleFlight().run('a', AbortSignal.abort('gone'), work)).rejects.toBe('gone')
    expect(started).toHaveLength(0)
  })

  it('starts afresh after it has settled, well or not', async () => {
    const flights = new SingleFlight<string, number>()
    let runs = 0
    const work = () => {
      runs += 1
      return runs === 1 ? Promise.reject(new Error('first')) : Promise.resolve(runs)
    }
    await expect(flights.run('a', neverAborted(), work)).rejects.toThrow('first')
    expect(await flights.run('a', neverAborted(), work)).toBe(2)
    expect(await flights.run('a', neverAborted(), work)).toBe(3)
  })

  it('is not touched by an abort that comes after its end', async () => {
    const flights = new SingleFlight<string, string>()
    const caller = new AbortController()
    let shared: AbortSignal | undefined
    await flights.run('a', caller.signal, (signal) => {
      shared = signal
      return Promise.resolve('done')
    })
    caller.abort()
    expect(shared?.aborted).toBe(false)
  })
})
