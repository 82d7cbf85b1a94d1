/** The canary: no answer of a backend that computes wrongly gets past it. */
import { describe, expect, it, vi } from 'vitest'
import type { CanaryInput, CanaryOutput, Graph, Tensor, TensorMap } from '../../../packages/sdk/src/contract/index.js'
import { neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { runCanary } from '../../../packages/sdk/src/worker/canary.js'

const turn = { lane: 'default', model: 'model', signal: neverAborted() } as const

const expected: CanaryOutput = {
  shape: [6],
  stride: 1,
  values: [1, 2, 3, 4, 5, 6],
  tolerance: { absolute: 0.01, relative: 0 },
}
const xInput: CanaryInput = { dtype: 'float32', shape: [2], data: [1, 2] }
const right = [1, 2, 3, 4, 5, 6]

function graphWith(output: Partial<CanaryOutput>, x: CanaryInput = xInput): Graph {
  const file = { path: 'model.onnx', bytes: 1, sha256: '', chunks: [] }
  return { file, inputs: [], outputs: [], canary: { inputs: { x }, outputs: { y: { ...expected, ...output } } } }
}

/** Runs the canary on a backend that answers with these numbers. */
async function runOn(
  data: readonly number[],
  output: Partial<CanaryOutput> = {},
  shape: readonly number[] = [data.length],
) {
  const y: Tensor = { dtype: 'float32', shape, data: Float32Array.from(data) }
  const session = { run: () => Promise.resolve({ y }), release: () => Promise.resolve() }
  await runCanary(session, graphWith(output), 'model (model, fp32, webgpu)', turn)
}

describe('a canary', () => {
  it('lets right numbers through', async () => {
    await expect(runOn(right)).resolves.toBeUndefined()
  })

  it.each([
    ['a wrong number', [1, 2, 3, 4.5, 5, 6]],
    ['NaN', [1, 2, NaN, 4, 5, 6]],
    ['infinity', [1, 2, 3, 4, 5, Infinity]],
    ['nothing but zeros', [0, 0, 0, 0, 0, 0]],
  ])('refuses %s', async (_what, data) => {
    await expect(runOn(data)).rejects.toMatchObject({ code: 'CANARY_FAILED', details: { output: 'y' } })
  })

  it('says which number is wrong, where, and on what', async () => {
    const failing = runOn([1, 2, 3, 4.5, 5, 6])
    await expect(failing).rejects.toThrow(/webgpu.*4\.5 instead of 4 at 3/)
    await expect(failing).rejects.toMatchObject({ details: { position: 3, difference: 0.5, allowed: 0.01 } })
  })

  it.each([
    ['another length', [1, 2, 3], [3]],
    ['another shape with the same numbers', right, [2, 3]],
  ])('refuses %s', async (_what, data, shape) => {
    await expect(runOn(data, {}, shape)).rejects.toMatchObject({ code: 'CANARY_FAILED', details: { found: shape } })
  })

  it('refuses an output that is missing', async () => {
    const session = { run: () => Promise.resolve({}), release: () => Promise.resolve() }
    const running = runCanary(session, graphWith({}), 'model', turn)
    await expect(running).rejects.toMatchObject({ code: 'CANARY_FAILED' })
  })

  it('allows the absolute tolerance and the relative one together, and no more', async () => {
    const output = { values: [100], shape: [1], tolerance: { absolute: 0.5, relative: 0.01 } }
    await expect(runOn([101.5], output)).resolves.toBeUndefined()
    await expect(runOn([98.5], output)).resolves.toBeUndefined()
    await expect(runOn([101.625], output)).rejects.toMatchObject({ code: 'CANARY_FAILED' })
  })

  it('compares every stride-th number', async () => {
    const output = { stride: 2, values: [1, 3, 5] }
    await expect(runOn([1, 99, 3, 99, 5, 99], output)).resolves.toBeUndefined()
    await expect(runOn([1, 2, 99, 4, 5, 6], output)).rejects.toMatchObject({ details: { position: 2 } })
  })

  it('is not satisfied with fewer numbers than it expects', async () => {
    const running = runOn([1, 2], { shape: [2], values: [1, 2, 3] })
    await expect(running).rejects.toMatchObject({ code: 'CANARY_FAILED' })
  })

  it('asks for its own outputs with its own inputs, ramps included', async () => {
    const run = vi.fn<(inputs: TensorMap) => Promise<TensorMap>>(() => Promise.resolve({}))
    const inputs: CanaryInput[] = [
      { dtype: 'float32', shape: [2, 10], fill: 'ramp' },
      { dtype: 'int8', shape: [3], fill: 'ramp' },
      { dtype: 'int64', shape: [2], data: [7, -1] },
      { dtype: 'string', shape: [1], data: ['text'] },
    ]
    for (const input of inputs) {
      const session = { run, release: () => Promise.resolve() }
      await runCanary(session, graphWith({}, input), 'model', turn).catch(() => undefined)
    }
    const sent = run.mock.calls.map(([{ x }]) => x)
    expect(sent[0]?.data).toHaveLength(20)
    expect([sent[0]?.data[0], sent[0]?.data[8], sent[0]?.data[16], sent[0]?.data[17]]).toEqual([-1, 0, 1, -1])
    expect(sent.slice(1)).toEqual([
      { dtype: 'int8', shape: [3], data: Int8Array.of(-1, -1, -1) },
      { dtype: 'int64', shape: [2], data: BigInt64Array.of(7n, -1n) },
      { dtype: 'string', shape: [1], data: ['text'] },
    ])
  })

  it('is not needed: a graph without one runs nothing', async () => {
    const run = vi.fn(() => Promise.resolve({}))
    const { file, inputs, outputs } = graphWith({})
    await runCanary({ run, release: () => Promise.resolve() }, { file, inputs, outputs }, 'model', turn)
    expect(run).not.toHaveBeenCalled()
  })
})
