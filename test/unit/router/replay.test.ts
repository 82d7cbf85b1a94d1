/** A placement that was lost under a request is tried there once more: when, before whom, and how often. */
import { describe, expect, it } from 'vitest'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { dispatch, prepareFirst } from '../../../packages/sdk/src/router/index.js'
import {
  elsewhere,
  estimate,
  everything,
  failWith,
  inTurn,
  planned,
  planOf,
  remote,
  request,
  setUp,
  source,
  succeed,
  wasm,
  webgpu,
} from './dispatching.js'

const lost = ['WORKER_DIED', 'GPU_LOST'] as const
const onlyOnDevice = [webgpu, planned(wasm, { readiness: 'cached' })]

describe.each(lost)('after %s', (code) => {
  it('the same placement answers, before anything that would have to be loaded', async () => {
    const { context, asked, replayed, ends } = setUp({ webgpu: inTurn(failWith(code), succeed) })
    const { placement, attempts } = await dispatch(planOf(onlyOnDevice), request, context)
    expect(placement).toEqual(webgpu)
    expect(attempts).toMatchObject([{ placement: webgpu, code }])
    expect(asked).toEqual(['webgpu', 'webgpu'])
    expect(replayed).toEqual(['webgpu'])
    expect(ends()).toEqual([
      ['webgpu', code],
      ['webgpu', 'answered'],
    ])
  })

  it('an endpoint that is ready is asked first, and the replay comes after it', async () => {
    const plan = planOf([webgpu, planned(wasm, { readiness: 'absent' }), remote])
    const { context, asked, replayed } = setUp({ webgpu: failWith(code) })
    expect((await dispatch(plan, request, context)).placement).toEqual(remote)
    expect([asked, replayed]).toEqual([['webgpu', 'remote'], []])
    const again = setUp({ webgpu: inTurn(failWith(code), succeed), remote: failWith('REMOTE_FAILED') })
    expect((await dispatch(plan, request, again.context)).placement).toEqual(webgpu)
    expect(again.asked).toEqual(['webgpu', 'remote', 'webgpu'])
  })

  it('the replay comes before an endpoint that rests', async () => {
    const { context, asked } = setUp(
      { webgpu: inTurn(failWith(code), succeed) },
      { hedge: { delayMs: () => undefined, mayAsk: () => false } },
    )
    await dispatch(planOf([webgpu, remote]), request, context)
    expect(asked).toEqual(['webgpu', 'webgpu'])
  })

  it('the replay comes first where the device is waited for', async () => {
    const { context, asked } = setUp({ webgpu: inTurn(failWith(code), succeed) }, { waitsForDevice: true })
    await dispatch(planOf([webgpu, remote]), request, context)
    expect(asked).toEqual(['webgpu', 'webgpu'])
    const preparing = setUp({ webgpu: inTurn(failWith(code), succeed) })
    expect(await prepareFirst(planOf(everything), source, preparing.context)).toEqual(webgpu)
    expect(preparing.asked).toEqual(['webgpu', 'webgpu'])
  })
})

describe('a second loss', () => {
  it('of the worker says something of the placement, not of the device: another one answers, as where a driver hangs', async () => {
    const { context, asked, replayed } = setUp({ webgpu: failWith('WORKER_DIED') })
    expect((await dispatch(planOf(onlyOnDevice), request, context)).placement).toEqual(wasm)
    expect([asked, replayed]).toEqual([['webgpu', 'webgpu', 'wasm'], ['webgpu']])
  })

  it('is no third attempt: the next placement answers', async () => {
    const { context, asked } = setUp({ webgpu: failWith('GPU_LOST') })
    expect((await dispatch(planOf(onlyOnDevice), request, context)).placement).toEqual(wasm)
    expect(asked).toEqual(['webgpu', 'webgpu', 'wasm'])
  })

  it('at another placement is not replayed: once for each request', async () => {
    const { context, asked } = setUp({ webgpu: failWith('GPU_LOST'), wasm: failWith('WORKER_DIED') })
    const failed = dispatch(planOf(onlyOnDevice), request, context)
    await expect(failed).rejects.toMatchObject({
      code: 'ALL_PLACEMENTS_FAILED',
      details: { attempts: [{ code: 'GPU_LOST' }, { code: 'GPU_LOST' }, { code: 'WORKER_DIED' }] },
    })
    expect(asked).toEqual(['webgpu', 'webgpu', 'wasm'])
  })

  it('of the only placement there is keeps its code, and tells both attempts', async () => {
    const { context } = setUp({ webgpu: failWith('WORKER_DIED') })
    await expect(dispatch(planOf([webgpu]), request, context)).rejects.toMatchObject({
      code: 'WORKER_DIED',
      details: { attempts: [{ code: 'WORKER_DIED' }, { code: 'WORKER_DIED' }] },
      message: expect.stringContaining('failed by WORKER_DIED. It was tried 2 times.') as string,
    })
  })
})

describe('a worker that is replaced, since its runtime cannot be trusted any more', () => {
  const untrusted = () =>
    Promise.reject(new EdgewardError('OUT_OF_MEMORY', 'bad_alloc', { details: { untrusted: true } }))

  it('is asked once more when nobody else can answer', async () => {
    const { context, asked } = setUp({ webgpu: inTurn(untrusted, succeed) })
    expect((await dispatch(planOf([webgpu]), request, context)).placement).toEqual(webgpu)
    expect(asked).toEqual(['webgpu', 'webgpu'])
  })

  it('is not asked again before everybody else, nor twice', async () => {
    const { context, asked } = setUp({ webgpu: untrusted, remote: failWith('REMOTE_REJECTED') })
    await expect(dispatch(planOf([webgpu, remote]), request, context)).rejects.toMatchObject({
      code: 'ALL_PLACEMENTS_FAILED',
    })
    expect(asked).toEqual(['webgpu', 'remote', 'webgpu'])
  })
})

describe('what else was lost', () => {
  it('with a worker is not ready any more, and comes behind the replay', async () => {
    const { context, asked } = setUp({ webgpu: inTurn(failWith('WORKER_DIED'), succeed) })
    await dispatch(planOf([webgpu, wasm]), request, context)
    expect(asked).toEqual(['webgpu', 'webgpu'])
  })

  it('with a GPU is what runs on it; the CPU answers on, before the endpoint and the replay', async () => {
    const other = planned({ engine: 'device', backend: 'webgpu', variant: 'fp16' })
    const { context, asked } = setUp({
      webgpu: failWith('GPU_LOST'),
      wasm: failWith('RUN_FAILED'),
      remote: failWith('REMOTE_FAILED'),
    })
    const failed = dispatch(planOf([webgpu, other, wasm, remote]), request, context)
    await expect(failed).rejects.toMatchObject({ code: 'ALL_PLACEMENTS_FAILED' })
    expect(asked).toEqual(['webgpu', 'wasm', 'remote', 'webgpu', 'webgpu'])
  })
})

describe('nothing is replayed', () => {
  it('when the caller aborts', async () => {
    const caller = new AbortController()
    const abortAndFail = () => {
      caller.abort('gone')
      return failWith('WORKER_DIED')()
    }
    const { context, asked, replayed } = setUp({ webgpu: abortAndFail }, { signal: caller.signal })
    await expect(dispatch(planOf([webgpu]), request, context)).rejects.toBe('gone')
    expect([asked, replayed]).toEqual([['webgpu'], []])
  })

  it('that lost against a placement beside it', async () => {
    const dieLater = (signal: AbortSignal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => void failWith('WORKER_DIED')().catch(reject))
      })
    const { context, asked, replayed, ends } = setUp({ webgpu: dieLater }, { hedge: { delayMs: () => 0 } })
    expect((await dispatch(planOf([webgpu, remote]), request, context)).placement).toEqual(remote)
    expect([asked, replayed]).toEqual([['webgpu', 'remote'], []])
    expect(ends()).toEqual([
      ['remote', 'answered'],
      ['webgpu', 'cancelled'],
    ])
  })
})

describe('after OUT_OF_MEMORY', () => {
  const sized = (memoryBytes: number) => ({ estimate: { ...estimate, memoryBytes } })

  it('nothing of the device that takes as much comes before the endpoint, which answers', async () => {
    const { context, asked } = setUp({ webgpu: failWith('OUT_OF_MEMORY') })
    const plan = planOf([planned(webgpu, sized(100)), planned(wasm, sized(100)), remote])
    expect((await dispatch(plan, request, context)).placement).toEqual(remote)
    expect(asked).toEqual(['webgpu', 'remote'])
  })

  it('a smaller variant is', async () => {
    const { context, asked } = setUp({ webgpu: failWith('OUT_OF_MEMORY') })
    const plan = planOf([planned(webgpu, sized(100)), planned(wasm, sized(99)), remote])
    expect((await dispatch(plan, request, context)).placement).toEqual(wasm)
    expect(asked).toEqual(['webgpu', 'wasm'])
  })

  it('another backend, which has a memory of its own, is tried when nobody else can answer; the same one is not', async () => {
    const { context, asked } = setUp({ webgpu: failWith('OUT_OF_MEMORY') })
    const half = { engine: 'device', backend: 'webgpu', variant: 'fp16' } as const
    const plan = planOf([planned(webgpu, sized(100)), planned(half, sized(100)), planned(wasm, sized(100))])
    expect((await dispatch(plan, request, context)).placement).toEqual(wasm)
    expect(asked).toEqual(['webgpu', 'wasm'])
  })

  it('a replay that would take as much comes last, too', async () => {
    const { context, asked } = setUp({
      webgpu: failWith('GPU_LOST'),
      wasm: failWith('OUT_OF_MEMORY'),
      elsewhere: failWith('REMOTE_FAILED'),
    })
    const plan = planOf([planned(webgpu, sized(100)), planned(wasm, sized(50)), elsewhere])
    await expect(dispatch(plan, request, context)).rejects.toMatchObject({ code: 'ALL_PLACEMENTS_FAILED' })
    expect(asked).toEqual(['webgpu', 'wasm', 'elsewhere', 'webgpu'])
  })
})
