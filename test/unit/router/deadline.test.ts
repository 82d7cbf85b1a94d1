/** One deadline over all attempts: what ends when it passes, what the caller hears, and what it costs without one. */
import { beforeEach, describe, expect, it, vi, afterEach } from 'vitest'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { Deadline, dispatch } from '../../../packages/sdk/src/router/index.js'
import { neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { answer, everything, failWith, hang, planOf, remote, request, setUp, wasm } from './dispatching.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('a deadline', () => {
  it('that is infinite is the signal of the caller itself, and no timer', () => {
    const { signal } = new AbortController()
    const deadline = new Deadline(Infinity, performance.now(), signal)
    expect(deadline.signal).toBe(signal)
    expect([deadline.at, deadline.leftMs(), deadline.isOver]).toEqual([Infinity, Infinity, false])
    expect(vi.getTimerCount()).toBe(0)
    deadline.dispose()
  })

  it('longer than any timer does not pass at once', () => {
    const deadline = new Deadline(2 ** 31, performance.now(), neverAborted())
    vi.advanceTimersByTime(1000)
    expect(deadline.signal.aborted).toBe(false)
  })

  it('passes for everybody who waits, counted from when the request came in', () => {
    const startedAt = performance.now()
    vi.advanceTimersByTime(60)
    const deadline = new Deadline(100, startedAt, neverAborted())
    expect(deadline.leftMs()).toBe(40)
    vi.advanceTimersByTime(39)
    expect(deadline.signal.aborted).toBe(false)
    vi.advanceTimersByTime(1)
    expect(deadline.isOver).toBe(true)
    expect(deadline.signal.reason).toMatchObject({ code: 'DEADLINE_EXCEEDED', details: { deadlineMs: 100 } })
  })

  it('leaves the abort of the caller its reason, before, during and after', () => {
    const caller = new AbortController()
    const deadline = new Deadline(100, performance.now(), caller.signal)
    caller.abort('gone')
    expect(deadline.signal.reason).toBe('gone')
    vi.advanceTimersByTime(200)
    expect([deadline.isOver, deadline.signal.reason]).toEqual([false, 'gone'])
    expect(new Deadline(100, performance.now(), caller.signal).signal.reason).toBe('gone')
  })

  it('that is disposed of has no timer and does not listen to the caller', () => {
    const caller = new AbortController()
    const deadline = new Deadline(100, performance.now(), caller.signal)
    deadline.dispose()
    expect(vi.getTimerCount()).toBe(0)
    caller.abort('gone')
    expect(deadline.signal.aborted).toBe(false)
  })
})

describe('a request with a deadline', () => {
  it('ends with DEADLINE_EXCEEDED, what is under way included in its attempts, and aborts that', async () => {
    let pending: AbortSignal | undefined
    const wait = (signal: AbortSignal) => {
      pending = signal
      return hang()
    }
    const { context, told, ends } = setUp({ webgpu: failWith('GPU_LOST'), wasm: wait }, { deadlineMs: 100 })
    const running = dispatch(planOf(everything), request, context)
    const ended = expect(running).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      details: { deadlineMs: 100, attempts: [{ code: 'GPU_LOST' }, { placement: wasm, code: 'DEADLINE_EXCEEDED' }] },
    })
    await vi.advanceTimersByTimeAsync(100)
    await ended
    expect(pending?.aborted).toBe(true)
    expect(ends()).toEqual([
      ['webgpu', 'GPU_LOST'],
      ['wasm', 'DEADLINE_EXCEEDED'],
    ])
    expect(told).toMatchObject([{ code: 'GPU_LOST' }])
  })

  it('tells each attempt when its time is over', async () => {
    const asked: unknown[] = []
    const { context } = setUp(
      {
        webgpu: (_signal, { deadlineAt }) => {
          asked.push(deadlineAt)
          return failWith('GPU_LOST')()
        },
        wasm: (_signal, { deadlineAt }) => {
          asked.push(deadlineAt)
          return Promise.resolve(answer)
        },
      },
      { deadlineMs: 100 },
    )
    await dispatch(planOf(everything), request, context)
    expect(asked).toEqual([context.deadline.at, context.deadline.at])
  })

  it('hears of an engine that gave up for the time in the same words', async () => {
    const late = () => Promise.reject(new EdgewardError('DEADLINE_EXCEEDED', 'not begun in time'))
    const { context } = setUp({ remote: late }, { deadlineMs: 100 })
    await expect(dispatch(planOf([remote]), request, context)).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: 'The request was not answered within its deadline of 100 ms.',
      details: { deadlineMs: 100, attempts: [{ placement: remote }] },
    })
  })

  it('that has passed before the start reaches no engine', async () => {
    const { context, asked } = setUp({}, { deadlineMs: 100 })
    vi.advanceTimersByTime(100)
    await expect(dispatch(planOf(everything), request, context)).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      details: { attempts: [] },
    })
    expect(asked).toEqual([])
  })

  it('that has none sets no timer and tells no attempt of a time', async () => {
    let told: object | undefined
    const { context } = setUp({
      webgpu: (_signal, what) => {
        told = what
        expect(vi.getTimerCount()).toBe(0)
        return Promise.resolve(answer)
      },
    })
    await dispatch(planOf(everything), request, context)
    expect(told).toMatchObject(request)
    expect(told).not.toHaveProperty('deadlineAt')
  })
})
