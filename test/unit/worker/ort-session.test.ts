/** What a session answers is believed no more than it should be: after a loss, a trap, or when it looks wrong. */
import { describe, expect, it, vi } from 'vitest'
import type { Canary, Graph, Tensor } from '../../../packages/sdk/src/contract/index.js'
import { createDeferred, neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { OwnGpu } from '../../../packages/sdk/src/worker/gpu-owner.js'
import { LaneQueue } from '../../../packages/sdk/src/worker/lane-queue.js'
import { createGraphSession } from '../../../packages/sdk/src/worker/ort-session.js'
import type { OrtModule, Runtime } from '../../../packages/sdk/src/worker/runtime-build.js'
import { RuntimeMemory } from '../../../packages/sdk/src/worker/runtime-memory.js'
import { Trust } from '../../../packages/sdk/src/worker/trust.js'

const turn = { lane: 'default', model: 'model@1', signal: neverAborted() } as const
const file = { path: 'model.onnx', bytes: 1, sha256: '', chunks: [] }
const graph: Graph = { file, inputs: [], outputs: [{ name: 'y', dtype: 'float32', shape: ['n'] }] }
const canary: Canary = {
  inputs: { x: { dtype: 'float32', shape: [1], data: [0] } },
  outputs: { y: { shape: [1], stride: 1, values: [2], tolerance: { absolute: 0.1, relative: 0 } } },
}
const withCanary: Graph = { ...graph, canary }
const right = [2]
const nans = new Array<number>(9).fill(NaN)
const zeros = new Array<number>(9).fill(0)

/** A device that is lost when it is told so, and answers until then. */
function fakeGpu(maps: () => Promise<void> = () => Promise.resolve()) {
  const lost = createDeferred<unknown>()
  const device = { lost: lost.promise, createBuffer: () => ({ mapAsync: maps, destroy: () => undefined }) }
  return { gpu: new OwnGpu(device as unknown as GPUDevice), lose: () => lost.resolve({}) } // All that is asked of it.
}

/** ONNX Runtime rejects with anything. */
function rejectedWith(thrown: unknown): Promise<never> {
  const { promise, reject } = createDeferred<never>()
  reject(thrown)
  return promise
}

/** A session whose runs answer one after the other: numbers, or what is thrown. */
async function sessionOf(answers: (readonly number[] | { readonly thrown: unknown })[], of = graph, gpu?: OwnGpu) {
  const run = vi.fn(() => {
    const answer = answers.shift() ?? right
    if ('thrown' in answer) return rejectedWith(answer.thrown)
    const y = { type: 'float32', dims: [answer.length], data: Float32Array.from(answer), dispose: () => undefined }
    return Promise.resolve({ y })
  })
  const create = () => Promise.resolve({ run, release: () => Promise.resolve() })
  const ort = { InferenceSession: { create }, Tensor: Object } as unknown as OrtModule // All that is asked of it.
  const runtime: Runtime = { ort, queue: new LaneQueue(), memory: new RuntimeMemory(), trust: new Trust() }
  const input = { model: new Uint8Array(), externalData: [], isReadAgain: false }
  const session = await createGraphSession(input, { runtime, graph: of, backend: 'webgpu', gpu, turn })
  const x: Tensor = { dtype: 'float32', shape: [1], data: Float32Array.of(1) }
  return { run, session, ask: async () => Array.from((await session.run({ x }, ['y'], turn))['y']?.data ?? [], Number) }
}

describe('an answer that looks wrong', () => {
  it('of zeros is given when the canary is right in the same turn', async () => {
    const { ask, run } = await sessionOf([zeros, right], withCanary)
    expect(await ask()).toEqual(zeros)
    expect(run).toHaveBeenCalledTimes(2)
  })

  it.each([
    ['what comes then is given', [5]],
    ['NaN again is what the model means', nans],
  ])('of NaN is computed once more when the canary is right in the same turn: %s', async (_what, again) => {
    const { ask, run } = await sessionOf([nans, right, again], withCanary)
    expect(await ask()).toEqual(again)
    expect(run).toHaveBeenCalledTimes(3)
  })

  it('is refused when the canary is wrong, and so is everything after it', async () => {
    const { ask, run } = await sessionOf([zeros, [7]], withCanary)
    await expect(ask()).rejects.toMatchObject({ code: 'CANARY_FAILED' })
    await expect(ask()).rejects.toMatchObject({ code: 'CANARY_FAILED' })
    expect(run).toHaveBeenCalledTimes(2)
  })

  it('without a canary: nothing but NaN is refused, zeros are given', async () => {
    const { ask } = await sessionOf([nans, zeros, [1, NaN]])
    await expect(ask()).rejects.toMatchObject({ code: 'OUTPUT_INVALID', details: { output: 'y', found: 'NaN' } })
    expect(await ask()).toEqual(zeros)
    expect(await ask()).toEqual([1, NaN])
  })

  it('costs a healthy answer no further run', async () => {
    const { ask, run } = await sessionOf([right, right], withCanary)
    await ask()
    await ask()
    expect(run).toHaveBeenCalledTimes(2)
  })
})

describe('a GPU that is lost', () => {
  it('during a run that says that it succeeded: its answer is thrown away', async () => {
    const { gpu, lose } = fakeGpu()
    const { ask, run } = await sessionOf([], graph, gpu)
    run.mockImplementationOnce(() => {
      lose()
      return Promise.resolve({ y: { type: 'float32', dims: [1], data: Float32Array.of(5), dispose: () => undefined } })
    })
    await expect(ask()).rejects.toMatchObject({ code: 'GPU_LOST' })
  })

  it('before a run: nothing runs', async () => {
    const { gpu, lose } = fakeGpu()
    const { ask, run } = await sessionOf([], graph, gpu)
    lose()
    await Promise.resolve()
    await expect(ask()).rejects.toMatchObject({ code: 'GPU_LOST' })
    expect(run).not.toHaveBeenCalled()
  })

  it('is the reason of a failure that it caused, also when it is told later', async () => {
    const { gpu, lose } = fakeGpu(() => Promise.reject(new Error('cannot map')))
    const { ask } = await sessionOf([{ thrown: new Error('mapAsync failed') }], graph, gpu)
    const asked = expect(ask()).rejects.toMatchObject({ code: 'GPU_LOST' })
    setTimeout(lose, 5)
    await asked
  })

  it.each([
    ['a few zeros', [0, 0, 0]],
    ['many', zeros],
  ])(
    'before %s came of a run, is heard of before they are given, also when it is told later',
    async (_what, answer) => {
      const { gpu, lose } = fakeGpu(() => Promise.reject(new Error('cannot map')))
      const { ask } = await sessionOf([answer], graph, gpu)
      const asked = expect(ask()).rejects.toMatchObject({ code: 'GPU_LOST' })
      setTimeout(lose, 5)
      await asked
    },
  )

  it('is not suspected of a few zeros while it answers', async () => {
    const { gpu } = fakeGpu()
    const { ask, run } = await sessionOf([[0, 0]], withCanary, gpu)
    expect(await ask()).toEqual([0, 0])
    expect(run).toHaveBeenCalledTimes(1)
  })

  it('is no verdict on the driver, though its canary is wrong', async () => {
    const { gpu, lose } = fakeGpu(() => Promise.reject(new Error('cannot map')))
    const { session } = await sessionOf([[0]], withCanary, gpu)
    const tried = expect(session.runCanary(turn)).rejects.toMatchObject({ code: 'GPU_LOST' })
    setTimeout(lose, 5)
    await tried
  })

  it('is not blamed for what else failed', async () => {
    const { gpu } = fakeGpu()
    const { ask } = await sessionOf([{ thrown: new Error('wrong shape') }], graph, gpu)
    await expect(ask()).rejects.toMatchObject({ code: 'RUN_FAILED' })
  })
})

describe('a runtime that cannot be trusted', () => {
  it('answers nobody any more', async () => {
    const { ask, run } = await sessionOf([{ thrown: 1_991_937_888 }])
    await expect(ask()).rejects.toMatchObject({ code: 'RUN_FAILED', details: { untrusted: true } })
    await expect(ask()).rejects.toMatchObject({ code: 'WORKER_DIED', details: { untrusted: true } })
    expect(run).toHaveBeenCalledTimes(1)
  })

  it('is not what an ordinary failure leaves', async () => {
    const { ask } = await sessionOf([{ thrown: new Error('wrong shape') }])
    await expect(ask()).rejects.toMatchObject({ code: 'RUN_FAILED' })
    expect(await ask()).toEqual(right)
  })
})

describe('a borrowed session', () => {
  const logits = (values: readonly number[]) => {
    return { y: { dtype: 'float32', shape: [values.length], data: Float32Array.from(values) } } as const
  }

  it('is nobody else’s until the borrower’s turn ends', async () => {
    const { session, ask, run } = await sessionOf([right])
    const [started, done] = [createDeferred<undefined>(), createDeferred<undefined>()]
    const borrowed = session.borrow(turn, () => {
      started.resolve(undefined)
      return done.promise
    })
    await started.promise
    const asked = ask()
    expect(run).not.toHaveBeenCalled()
    done.resolve(undefined)
    await borrowed
    expect(await asked).toEqual(right)
  })

  it('does no run on a device that was lost, and none is believed during which it was', async () => {
    const { gpu, lose } = fakeGpu()
    const { session } = await sessionOf([], graph, gpu)
    const work = vi.fn(async () => lose())
    const borrow = () => session.borrow(turn, ({ execute }) => execute(work))
    await expect(borrow()).rejects.toMatchObject({ code: 'GPU_LOST' })
    await expect(borrow()).rejects.toMatchObject({ code: 'GPU_LOST' })
    expect(work).toHaveBeenCalledTimes(1)
  })

  it('has what it gave looked at: NaN everywhere is refused, and what the canary says against it', async () => {
    const { session } = await sessionOf([])
    const borrow = (values: readonly number[]) => session.borrow(turn, ({ check }) => check(logits(values)))
    await borrow(right)
    await expect(borrow(nans)).rejects.toMatchObject({ code: 'OUTPUT_INVALID' })
    const { session: wrong } = await sessionOf([[7]], withCanary)
    await expect(wrong.borrow(turn, ({ check }) => check(logits(zeros)))).rejects.toMatchObject({
      code: 'CANARY_FAILED',
    })
  })

  it('is not believed any more after a trap', async () => {
    const { session } = await sessionOf([])
    const borrow = () => session.borrow(turn, ({ execute }) => execute(() => rejectedWith(1_991_937_888)))
    await expect(borrow()).rejects.toMatchObject({ code: 'RUN_FAILED', details: { untrusted: true } })
    await expect(borrow()).rejects.toMatchObject({ code: 'WORKER_DIED' })
  })
})
