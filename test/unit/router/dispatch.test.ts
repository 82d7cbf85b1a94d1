/** What happens when placements fail: who is tried next, what the caller hears, and what an abort does. */
import { describe, expect, it, vi } from 'vitest'
import type { Plan } from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError, errorRules, type ErrorCode } from '../../../packages/sdk/src/errors/index.js'
import { dispatch, prepareFirst } from '../../../packages/sdk/src/router/index.js'
import { answer, everything, failWith, planOf, remote, request, setUp, source, wasm, webgpu } from './dispatching.js'

describe('a request', () => {
  it('is answered by the first placement, without attempts', async () => {
    const { context, asked, told } = setUp({})
    const result = await dispatch(planOf(everything), request, context)
    expect(result).toMatchObject({
      output: answer.output,
      placement: webgpu,
      attempts: [],
      timings: { inferenceMs: 1 },
    })
    expect(result.timings.totalMs).toBeGreaterThanOrEqual(0)
    expect(asked).toEqual(['webgpu'])
    expect(told).toEqual([])
  })

  it('goes to the next placement after a failure of one, and the result tells what failed', async () => {
    const { context, asked, told } = setUp({ webgpu: failWith('GPU_LOST') })
    const { placement, attempts } = await dispatch(planOf(everything), request, context)
    expect(placement).toEqual(wasm)
    expect(asked).toEqual(['webgpu', 'wasm'])
    expect(attempts).toEqual([
      {
        placement: webgpu,
        code: 'GPU_LOST',
        message: 'failed by GPU_LOST',
        details: { code: 'GPU_LOST' },
        durationMs: expect.any(Number) as number,
      },
    ])
    expect(told).toEqual(attempts)
  })

  it('goes to the next engine after a failure of the whole one', async () => {
    const { context, asked } = setUp({ webgpu: failWith('DOWNLOAD_FAILED') })
    const { placement } = await dispatch(planOf(everything), request, context)
    expect(placement).toEqual(remote)
    expect(asked).toEqual(['webgpu', 'remote'])
  })

  it('ends after a final failure with that very error', async () => {
    const error = new EdgewardError('INVALID_INPUT', 'wrong')
    const { context, asked, told } = setUp({ webgpu: () => Promise.reject(error) })
    await expect(dispatch(planOf(everything), request, context)).rejects.toBe(error)
    expect(asked).toEqual(['webgpu'])
    expect(told).toEqual([])
  })

  it('ends after a final failure of a later placement with what was tried before', async () => {
    const { context } = setUp({ webgpu: failWith('GPU_LOST'), wasm: failWith('INVALID_INPUT') })
    await expect(dispatch(planOf(everything), request, context)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      details: { code: 'INVALID_INPUT', attempts: [{ code: 'GPU_LOST' }, { code: 'INVALID_INPUT' }] },
    })
  })

  it('tells of each attempt that ended, with the timings of the answer', async () => {
    const { context, tried } = setUp({
      webgpu: failWith('GPU_LOST'),
      wasm: () => Promise.reject(new EdgewardError('REMOTE_OVERLOADED', 'full', { details: { retryAfterMs: 1000 } })),
    })
    await dispatch(planOf(everything), request, context)
    const always = {
      isHedge: false,
      startedAt: expect.any(Number) as number,
      durationMs: expect.any(Number) as number,
    }
    const anything: unknown = expect.any(Object)
    const full = { retryAfterMs: 1000 }
    expect(tried).toEqual([
      { placement: webgpu, outcome: 'GPU_LOST', message: 'failed by GPU_LOST', details: anything, ...always },
      { placement: wasm, outcome: 'REMOTE_OVERLOADED', message: 'full', details: full, retryAfterMs: 1000, ...always },
      { placement: remote, outcome: 'answered', timings: answer.timings, ...always },
    ])
  })

  it.each(Object.keys(errorRules) as ErrorCode[])('that failed with %s goes where its rule says', async (code) => {
    const { context, asked } = setUp({ webgpu: failWith(code) })
    const expected = {
      placement: ['webgpu', 'wasm'],
      engine: ['webgpu', 'remote'],
      final: ['webgpu'],
    }
    await dispatch(planOf(everything), request, context).catch(() => undefined)
    // With the worker, the other placements of the device were lost, and the endpoint is ready.
    expect(asked).toEqual(expected[code === 'WORKER_DIED' ? 'engine' : errorRules[code].fallback])
  })

  it('survives an unexpected error, which counts as INTERNAL and keeps its cause', async () => {
    const thrown = new TypeError('x is not a function')
    const { context } = setUp({ webgpu: () => Promise.reject(thrown) })
    const { placement, attempts } = await dispatch(planOf(everything), request, context)
    expect(placement).toEqual(wasm)
    expect(attempts).toMatchObject([{ code: 'INTERNAL' }])
    expect(attempts[0]?.message).toContain('x is not a function')
    const alone = dispatch(planOf([webgpu]), request, context)
    await expect(alone).rejects.toMatchObject({ code: 'INTERNAL', cause: thrown })
  })

  it('survives an engine that throws instead of rejecting', async () => {
    const { context } = setUp({
      webgpu: () => {
        throw new TypeError('at once')
      },
    })
    expect((await dispatch(planOf(everything), request, context)).placement).toEqual(wasm)
  })

  it('never meets an engine that it was not given', async () => {
    const { context, asked } = setUp({ webgpu: failWith('RUN_FAILED'), wasm: failWith('RUN_FAILED') })
    const engines = { ...context.engines, remotes: new Map<string, never>() }
    await expect(dispatch(planOf(everything), request, { ...context, engines })).rejects.toMatchObject({
      code: 'ALL_PLACEMENTS_FAILED',
    })
    expect(asked).toEqual(['webgpu', 'wasm'])
  })
})

describe('an abort of the caller', () => {
  it('rejects with its very reason and falls back to nobody', async () => {
    const caller = new AbortController()
    const reason = { mine: true }
    const { context, asked, told } = setUp(
      {
        webgpu: () => {
          caller.abort(reason)
          return Promise.reject(new EdgewardError('RUN_FAILED', 'ended by the abort'))
        },
      },
      { signal: caller.signal },
    )
    await expect(dispatch(planOf(everything), request, context)).rejects.toBe(reason)
    expect(asked).toEqual(['webgpu'])
    expect(told).toEqual([])
  })

  it('does not wait for an engine that does not listen', async () => {
    const caller = new AbortController()
    const { context, ends } = setUp({ webgpu: () => new Promise(() => undefined) }, { signal: caller.signal })
    const running = dispatch(planOf(everything), request, context)
    caller.abort('gone')
    await expect(running).rejects.toBe('gone')
    expect(ends()).toEqual([['webgpu', 'aborted']])
  })

  it('counts also when it comes while the fallback is announced', async () => {
    const caller = new AbortController()
    const { context, asked } = setUp({ webgpu: failWith('RUN_FAILED') }, { signal: caller.signal })
    const running = dispatch(planOf(everything), request, { ...context, onFallback: () => caller.abort('gone') })
    await expect(running).rejects.toBe('gone')
    expect(asked).toEqual(['webgpu'])
  })

  it('before the start reaches no engine', async () => {
    const { context, asked } = setUp({}, { signal: AbortSignal.abort('gone') })
    await expect(dispatch(planOf(everything), request, context)).rejects.toBe('gone')
    expect(asked).toEqual([])
  })
})

describe('when nobody answers', () => {
  const ruledOut: Plan['ruledOut'] = [
    { placement: { engine: 'remote' }, code: 'NO_PLACEMENT', reason: 'the client has no endpoint' },
  ]

  it('a single failure keeps its code, details and cause, and says why nothing else could answer', async () => {
    const cause = new Error('inner')
    const thrown = new EdgewardError('SESSION_FAILED', 'No session.', { details: { graph: 'model' }, cause })
    const { context, told } = setUp({ wasm: () => Promise.reject(thrown) })
    const failed = dispatch(planOf([wasm], ruledOut), request, context)
    await expect(failed).rejects.toMatchObject({
      code: 'SESSION_FAILED',
      details: { graph: 'model', attempts: [{ placement: wasm, code: 'SESSION_FAILED' }], ruledOut },
      cause,
    })
    await expect(failed).rejects.toThrow('No session. Nothing else could answer (remote: the client has no endpoint).')
    // Nothing was tried after it, so nothing fell back.
    expect(told).toEqual([])
  })

  it('several failures end in ALL_PLACEMENTS_FAILED, with every attempt and the last as the cause', async () => {
    const last = new EdgewardError('REMOTE_UNREACHABLE', 'offline')
    const { context, told } = setUp({
      webgpu: failWith('RUN_FAILED'),
      wasm: failWith('OUT_OF_MEMORY'),
      remote: () => Promise.reject(last),
    })
    const failed = dispatch(planOf(everything), request, context)
    await expect(failed).rejects.toMatchObject({
      code: 'ALL_PLACEMENTS_FAILED',
      details: { attempts: [{ code: 'RUN_FAILED' }, { code: 'OUT_OF_MEMORY' }, { code: 'REMOTE_UNREACHABLE' }] },
      cause: last,
    })
    await expect(failed).rejects.toThrow(/webgpu.*RUN_FAILED.*wasm.*OUT_OF_MEMORY.*REMOTE_UNREACHABLE/)
    expect(told.map(({ code }) => code)).toEqual(['RUN_FAILED', 'OUT_OF_MEMORY'])
  })

  it('obstacles that agree give their code', async () => {
    const { context } = setUp({})
    const agreeing: Plan['ruledOut'] = [
      { placement: { engine: 'device' }, code: 'MANIFEST_NOT_FOUND', reason: 'nothing at that address' },
      ...ruledOut,
    ]
    const failed = dispatch(planOf([], agreeing), request, context)
    await expect(failed).rejects.toMatchObject({
      code: 'MANIFEST_NOT_FOUND',
      details: { attempts: [], ruledOut: agreeing },
    })
    await expect(failed).rejects.toThrow('nothing at that address')
  })

  it('obstacles that differ, or none at all, give NO_PLACEMENT', async () => {
    const { context } = setUp({})
    const differing: Plan['ruledOut'] = [
      { placement: webgpu, code: 'BACKEND_UNAVAILABLE', reason: 'no adapter' },
      { placement: remote, code: 'MANIFEST_INVALID', reason: 'not JSON' },
    ]
    await expect(dispatch(planOf([], differing), request, context)).rejects.toMatchObject({ code: 'NO_PLACEMENT' })
    await expect(dispatch(planOf([], ruledOut), request, context)).rejects.toMatchObject({ code: 'NO_PLACEMENT' })
  })
})

describe('preparing', () => {
  it('makes the first placement ready that can be, and resolves with it', async () => {
    const { context, asked, told } = setUp({ webgpu: failWith('CANARY_FAILED') })
    expect(await prepareFirst(planOf(everything), source, context)).toEqual(wasm)
    expect(asked).toEqual(['webgpu', 'wasm'])
    expect(told).toMatchObject([{ placement: webgpu, code: 'CANARY_FAILED' }])
  })

  it('needs nothing where there is no manifest: the endpoint keeps its own models', async () => {
    const { context, asked } = setUp({})
    expect(await prepareFirst(planOf([remote]), undefined, context)).toEqual(remote)
    expect(asked).toEqual([])
  })

  it('ends with the very reason of an abort', async () => {
    const caller = new AbortController()
    const prepare = vi.fn(() => new Promise<void>(() => undefined))
    const { context } = setUp({ webgpu: prepare }, { signal: caller.signal })
    const preparing = prepareFirst(planOf(everything), source, context)
    caller.abort('gone')
    await expect(preparing).rejects.toBe('gone')
    expect(prepare).toHaveBeenCalledOnce()
  })
})
