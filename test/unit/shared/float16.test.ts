/** Half precision is exact both ways, and rounds to the nearest, ties to even. */
import { expect, it } from 'vitest'
import { float16Bits, float16Value } from '../../../packages/sdk/src/shared/index.js'

it('gives every one of the 65,536 patterns back, a NaN as a NaN', () => {
  const wrong: number[] = []
  for (let bits = 0; bits < 65_536; bits += 1) {
    const value = float16Value(bits)
    const back = float16Bits(value)
    if (Number.isNaN(value) ? !Number.isNaN(float16Value(back)) : back !== bits) wrong.push(bits)
  }
  expect(wrong).toEqual([])
})

it.each([
  [1.5, 0x3e00],
  [-2, 0xc000],
  [65_504, 0x7bff],
  [65_519.99, 0x7bff],
  [65_520, 0x7c00],
  [-Infinity, 0xfc00],
  [2 ** -24, 0x0001],
  [2 ** -25, 0x0000], // a tie: to the even zero
  [2 ** -25 * 1.000001, 0x0001],
  [2 ** -14 * (1 - 2 ** -12), 0x0400], // carries from subnormal to normal
  [1 + 2 ** -11, 0x3c00], // a tie: to even, down
  [1 + 3 * 2 ** -11, 0x3c02], // a tie: to even, up
  [1 + 2 ** -11 + 2 ** -40, 0x3c01], // rounding to float32 first would give 1
  [2 - 2 ** -12, 0x4000], // carries into the exponent
])('rounds %d to %i', (value, bits) => {
  expect(float16Bits(value)).toBe(bits)
})
