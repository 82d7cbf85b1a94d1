/** The comparison of a canary, which the worker and the packing tool share. */
import { describe, expect, it } from 'vitest'
import type { Canary, CanaryOutput, Tensor } from '../../../packages/sdk/src/contract/index.js'
import { float16Bits } from '../../../packages/sdk/src/shared/index.js'
import { canaryTensor, compareCanary } from '../../../packages/sdk/src/weights/index.js'

const expected: CanaryOutput = {
  shape: [2, 2],
  stride: 3,
  values: [1, -4],
  tolerance: { absolute: 0.25, relative: 0.5 },
}
const canary: Canary = { inputs: {}, outputs: { y: expected } }

const float32 = (shape: readonly number[], ...numbers: number[]): Tensor => {
  return { dtype: 'float32', shape, data: Float32Array.from(numbers) }
}

const compare = (y: Tensor) => compareCanary(canary, { y })

describe('the comparison of a canary', () => {
  it('finds nothing where every stride-th value is within its tolerance', () => {
    expect(compare(float32([2, 2], 1.75, 99, 99, -6.25))).toBeUndefined()
  })

  it('says which output is wrong, where, what was found and what is allowed', () => {
    expect(compare(float32([2, 2], 1, 0, 0, -6.5))).toEqual({
      output: 'y',
      what: 'is -6.5 instead of -4 at 3, where 2.25 more or less is allowed',
      details: { position: 3, difference: 2.5, allowed: 2.25 },
    })
  })

  it.each([
    ['NaN', float32([2, 2], NaN, 0, 0, -4), 'is not a number at 0, and should be 1'],
    ['a value that is not there', float32([2, 2], 1, 0, 0), 'is not a number at 3, and should be -4'],
    ['infinity', float32([2, 2], Infinity, 0, 0, -4), 'is Infinity instead of 1 at 0'],
    ['another shape', float32([4], 1, 0, 0, -4), 'has the shape [4] instead of [2, 2]'],
  ])('refuses %s', (_, y, what) => {
    expect(compare(y)?.what).toContain(what)
  })

  it('refuses an output that is missing', () => {
    expect(compareCanary(canary, {})).toMatchObject({ output: 'y', what: 'is missing' })
  })

  it('reads half precision from its bits, and whole numbers of 64 bits', () => {
    const half: Tensor = { dtype: 'float16', shape: [2, 2], data: Uint16Array.from([1.5, 0, 0, -4], float16Bits) }
    expect(compare(half)).toBeUndefined()
    expect(compare({ ...half, data: Uint16Array.from([NaN, 0, 0, -4], float16Bits) })?.what).toContain('not a number')
    expect(compare({ dtype: 'int64', shape: [2, 2], data: BigInt64Array.of(1n, 0n, 0n, -4n) })).toBeUndefined()
  })

  it('is fed with half precision where the graph takes it', () => {
    const { data } = canaryTensor({ dtype: 'float16', shape: [3], data: [1, -2, 0.1] })
    expect(data).toEqual(Uint16Array.of(0x3c00, 0xc000, 0x2e66))
  })
})
