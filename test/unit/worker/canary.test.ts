/** The canary: no answer of a backend that computes wrongly gets past it. */
import { describe, expect, it, vi } from 'vitest'
import type { Canary, CanaryInput, CanaryOutput, Tensor, TensorMap } from '../../../packages/sdk/src/contract/index.js'
import { runCanary } from '../../../packages/sdk/src/worker/canary.js'

const expected: CanaryOutput = {
  shape: [6],
  stride: 1,
  values: [1, 2, 3, 4, 5, 6],
  tolerance: { absolute: 0.01, relative: 0 },
}
const xInput: CanaryInput = { dtype: 'float32', shape: [2], data: [1, 2] }
const right = [1, 2, 3, 4, 5, 6]

function canaryWith(output: Partial<CanaryOutput>, x: CanaryInput = xInput): Canary {
  return { inputs: { x }, outputs: { y: { ...expected, ...output } } }
}

/** Runs the canary on a backend that answers with this output. */
async function runOnTensor(y: Tensor, output: Partial<CanaryOutput> = {}) {
  await runCanary(() => Promise.resolve({ y }), canaryWith(output), 'model (model, fp32, webgpu)')
}

/** Runs the canary on a backend that answers with these numbers. */
async function runOn(
  data: readonly number[],
  output: Partial<CanaryOutput> = {},
  shape: readonly number[] = [data.length],
) {
  await runOnTensor({ dtype: 'float32', shape, data: Float32Array.from(data) }, output)
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
    const running = runCanary(() => Promise.resolve({}), canaryWith({}), 'model')
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
      await runCanary(run, canaryWith({}, input), 'model').catch(() => undefined)
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

  it('says so when there is nothing but zeros, and when there is no number', async () => {
    const nine = { shape: [9], values: [1, 2, 3], stride: 3 }
    await expect(runOn(new Array<number>(9).fill(0), nine)).rejects.toThrow('nothing but zeros')
    await expect(runOn([1, 0, 0, NaN, 0, 0, 3, 0, 0], nine)).rejects.toThrow('not a number at 3')
  })

  it('compares every output that it has', async () => {
    const outputs = { y: expected, z: { ...expected, values: [1, 2, 3, 4, 5, 7] } }
    const tensor: Tensor = { dtype: 'float32', shape: [6], data: Float32Array.from(right) }
    const run = vi.fn(() => Promise.resolve({ y: tensor, z: tensor }))
    const running = runCanary(run, { inputs: { x: xInput }, outputs }, 'model')
    await expect(running).rejects.toMatchObject({ code: 'CANARY_FAILED', details: { output: 'z', position: 5 } })
    expect(run.mock.calls).toEqual([[expect.anything(), ['y', 'z']]])
  })

  it.each([
    ['int64', BigInt64Array.of(1n, 2n, 3n, 4n, 5n, 6n), BigInt64Array.of(1n, 2n, 3n, 4n, 5n, 7n)],
    ['uint8', Uint8Array.from(right), Uint8Array.of(1, 2, 3, 4, 5, 7)],
    ['float16', Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600), new Uint16Array(6).fill(0x3c00)],
  ] as const)('compares %s', async (dtype, data, wrong) => {
    await expect(runOnTensor({ dtype, shape: [6], data } as Tensor)).resolves.toBeUndefined()
    await expect(runOnTensor({ dtype, shape: [6], data: wrong } as Tensor)).rejects.toMatchObject({
      code: 'CANARY_FAILED',
    })
  })
})
