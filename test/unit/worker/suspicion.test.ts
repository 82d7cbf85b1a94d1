/** What makes outputs suspicious, and what does not. */
import { describe, expect, it } from 'vitest'
import type { Tensor } from '../../../packages/sdk/src/contract/index.js'
import { findSuspicion } from '../../../packages/sdk/src/worker/suspicion.js'

const floats = (...values: number[]): Tensor => ({
  dtype: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
})
const halves = (...bits: number[]): Tensor => ({ dtype: 'float16', shape: [bits.length], data: Uint16Array.from(bits) })
const zeros = new Array<number>(9).fill(0)

describe('outputs', () => {
  it.each([
    ['NaN among numbers', floats(1, NaN, 3), { output: 'y', what: 'NaN', isWhole: false }],
    ['nothing but NaN', floats(NaN, NaN), { output: 'y', what: 'NaN', isWhole: true }],
    ['nothing but zeros', floats(...zeros), { output: 'y', what: 'zeros', isWhole: true }],
    ['negative zeros, too', floats(...zeros.map(() => -0)), { output: 'y', what: 'zeros', isWhole: true }],
    ['NaN of half precision', halves(0x3c00, 0x7e00), { output: 'y', what: 'NaN', isWhole: false }],
    ['zeros of half precision', halves(...zeros.map(() => 0x8000)), { output: 'y', what: 'zeros', isWhole: true }],
  ])('are suspicious with %s', (_what, y, suspicion) => {
    expect(findSuspicion({ x: floats(1) }, { y })).toEqual(suspicion)
  })

  it.each([
    ['numbers', floats(0, 0, 1)],
    ['a few zeros', floats(...zeros.slice(1))],
    ['infinity', floats(Infinity, -Infinity)],
    ['infinity of half precision', halves(0x7c00, 0xfc00)],
    ['whole numbers that are zero', { dtype: 'int32', shape: [9], data: new Int32Array(9) } as const],
    ['texts', { dtype: 'string', shape: [1], data: [''] } as const],
    ['no values', floats()],
  ])('are not with %s', (_what, y) => {
    expect(findSuspicion({ x: floats(1) }, { y })).toBeUndefined()
  })

  it('may have NaN when the inputs have', () => {
    expect(findSuspicion({ x: floats(1, NaN) }, { y: floats(NaN) })).toBeUndefined()
  })

  it.each([
    ['a row of NaN', [2_000, 500], 500_000, 500_500],
    ['a stretch of NaN', [1_000_000], 500_000, 500_128],
  ])('are looked through where they are large: %s is found', (_what, shape, begin, end) => {
    const data = new Float32Array(1_000_000).fill(1).fill(NaN, begin, end)
    expect(findSuspicion({}, { y: { dtype: 'float32', shape, data } })).toMatchObject({ what: 'NaN', isWhole: false })
  })
})
