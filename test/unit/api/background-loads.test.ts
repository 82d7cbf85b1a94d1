/** Background loads: one at a time for each place, not again too soon after a failure, and silent about it. */
import { describe, expect, it, vi } from 'vitest'
import { BackgroundLoads } from '../../../packages/sdk/src/api/background-loads.js'
import type { Planned } from '../../../packages/sdk/src/api/planner.js'
import type { ModelSource, Plan } from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError, type ErrorCode } from '../../../packages/sdk/src/errors/index.js'
import { createDeferred, neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { cpuOnly, everywhere, anywhere } from '../router/inputs.js'

const wasm = { engine: 'device', backend: 'wasm', variant: 'fp32' } as const
const webgpu = { engine: 'device', backend: 'webgpu', variant: 'fp16' } as const
const planned: Planned = {
  model: 'model',
  task: 'tensors',
  policy: anywhere,
  capabilities: cpuOnly,
  source: new EdgewardError('MANIFEST_NOT_FOUND', 'not read here'),
  planned: { model: 'model', placements: [], ruledOut: [], shifts: [] } satisfies Plan,
}

function revision(name: string): ModelSource {
  return { manifest: { ...everywhere, revision: name }, manifestUrl: 'https://models.example/model/manifest.json' }
}
const source = revision('r1')

function create(signal: AbortSignal = neverAborted()) {
  let now = 0
  const ends: ReturnType<typeof createDeferred<void>>[] = []
  const prepare = vi.fn(() => {
    const end = createDeferred<void>()
    ends.push(end)
    return end.promise
  })
  const [foreground, onFailed] = [vi.fn(), vi.fn()]
  const loads = new BackgroundLoads({ prepare, foreground, onFailed, signal, now: () => now })
  const settled = () => new Promise<void>((resolve) => setTimeout(resolve))
  return {
    loads,
    prepare,
    foreground,
    onFailed,
    later: (ms: number) => (now += ms),
    succeed: () => {
      ends.at(-1)?.resolve()
      return settled()
    },
    fail: (code: ErrorCode, details = {}) => {
      ends.at(-1)?.reject(new EdgewardError(code, 'as the test wants it', { details }))
      return settled()
    },
  }
}

describe('a plan that asks for a load', () => {
  it('starts it at low priority, once while it is under way', () => {
    const { loads, prepare } = create()
    for (let plans = 0; plans < 3; plans += 1) loads.consider(planned, wasm, source)
    expect(prepare.mock.calls).toEqual([[wasm, source, expect.any(AbortSignal), 'low']])
  })

  it('starts another one for another place, model or revision', () => {
    const { loads, prepare } = create()
    loads.consider(planned, wasm, source)
    loads.consider(planned, webgpu, source)
    loads.consider({ ...planned, model: 'other' }, wasm, source)
    loads.consider(planned, wasm, revision('r2'))
    expect(prepare).toHaveBeenCalledTimes(4)
  })

  it('starts it again when what was ready is gone', async () => {
    const { loads, prepare, succeed } = create()
    loads.consider(planned, wasm, source)
    await succeed()
    loads.consider(planned, wasm, source)
    expect(prepare).toHaveBeenCalledTimes(2)
  })

  it('without a place or a source starts none', () => {
    const { loads, prepare } = create()
    loads.consider(planned, undefined, source)
    loads.consider(planned, wasm, undefined)
    expect(prepare).not.toHaveBeenCalled()
  })
})

describe('a load that failed', () => {
  it('rests 30 s, twice as long after each failure, ten minutes at most', async () => {
    const { loads, prepare, fail, later } = create()
    loads.consider(planned, wasm, source)
    for (const seconds of [30, 60, 120, 240, 480, 600, 600]) {
      await fail('DOWNLOAD_FAILED')
      const before = prepare.mock.calls.length
      later(seconds * 1_000 - 1)
      loads.consider(planned, wasm, source)
      expect(prepare).toHaveBeenCalledTimes(before)
      later(1)
      loads.consider(planned, wasm, source)
      expect(prepare).toHaveBeenCalledTimes(before + 1)
    }
  })

  it('because the worker died starts again at once, the first time', async () => {
    const { loads, prepare, fail } = create()
    loads.consider(planned, wasm, source)
    await fail('WORKER_DIED')
    loads.consider(planned, wasm, source)
    expect(prepare).toHaveBeenCalledTimes(2)
    await fail('WORKER_DIED')
    loads.consider(planned, wasm, source)
    expect(prepare).toHaveBeenCalledTimes(2)
  })

  it('because the worker was ended in good order starts again at once, every time', async () => {
    const { loads, prepare, fail } = create()
    for (let times = 0; times < 3; times += 1) {
      loads.consider(planned, wasm, source)
      await fail('WORKER_DIED', { left: true })
    }
    expect(prepare).toHaveBeenCalledTimes(3)
    expect(loads.reasonOf('model')).toBeUndefined()
  })

  it('does not keep another revision waiting', async () => {
    const { loads, prepare, fail } = create()
    loads.consider(planned, wasm, source)
    await fail('INTEGRITY')
    loads.consider(planned, wasm, revision('r2'))
    expect(prepare).toHaveBeenCalledTimes(2)
  })

  it('leaves a reason, the newest one, until it succeeds', async () => {
    const { loads, fail, succeed, later } = create()
    expect(loads.reasonOf('model')).toBeUndefined()
    loads.consider(planned, webgpu, source)
    await fail('OUT_OF_MEMORY')
    loads.consider(planned, wasm, source)
    await fail('DOWNLOAD_FAILED')
    expect(loads.reasonOf('model')).toBe(
      'making it ready in the background at wasm/fp32 failed with DOWNLOAD_FAILED: as the test wants it',
    )
    later(30_000)
    loads.consider(planned, wasm, source)
    await succeed()
    expect(loads.reasonOf('model')).toContain('webgpu/fp16 failed with OUT_OF_MEMORY')
    expect(loads.reasonOf('other')).toBeUndefined()
  })

  it('is handed on with what it took, and never tried again when its canary was wrong', async () => {
    const { loads, prepare, onFailed, fail, later } = create()
    loads.consider(planned, wasm, source)
    later(70)
    await fail('DOWNLOAD_FAILED')
    loads.consider(planned, webgpu, source)
    await fail('CANARY_FAILED')
    expect(onFailed.mock.calls).toEqual([
      [planned, wasm, expect.objectContaining({ code: 'DOWNLOAD_FAILED' }), 70],
      [planned, webgpu, expect.objectContaining({ code: 'CANARY_FAILED' }), 0],
    ])
    later(24 * 60 * 60_000)
    loads.consider(planned, webgpu, source)
    expect(prepare).toHaveBeenCalledTimes(2)
  })
})

describe('a client that is disposed', () => {
  it('starts no load, and counts the end of one as no failure', async () => {
    const disposing = new AbortController()
    const { loads, prepare, onFailed, fail } = create(disposing.signal)
    loads.consider(planned, wasm, source)
    disposing.abort(new EdgewardError('DISPOSED', 'The client was disposed.'))
    await fail('CANARY_FAILED')
    expect(onFailed).not.toHaveBeenCalled()
    expect(loads.reasonOf('model')).toBeUndefined()
    loads.consider(planned, webgpu, source)
    expect(prepare).toHaveBeenCalledTimes(1)
  })
})

describe('a request to an endpoint', () => {
  it('is told to the worker while a load is under way, and only then', async () => {
    const { loads, foreground, succeed } = create()
    const answer = () => Promise.resolve('answer')
    expect(await loads.withForeground(answer)).toBe('answer')
    expect(foreground).not.toHaveBeenCalled()
    loads.consider(planned, wasm, source)
    await loads.withForeground(answer)
    expect(foreground.mock.calls).toEqual([[1], [0]])
    await succeed()
    await loads.withForeground(answer)
    expect(foreground).toHaveBeenCalledTimes(2)
    const update = loads.whileLoading(() => loads.withForeground(answer))
    expect(await update).toBe('answer')
    expect(foreground).toHaveBeenCalledTimes(4)
  })
})
