/** The size of a request is a positive number, whatever the input. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ImageInput } from '../../../packages/sdk/src/contract/index.js'
import { unitsOf } from '../../../packages/sdk/src/tasks/page.js'

const picture = (sized: object) => sized as ImageInput

describe('unitsOf', () => {
  it('counts a token for four characters, and at least one for each text', () => {
    expect(unitsOf('feature-extraction', 'a'.repeat(100))).toBe(25)
    expect(unitsOf('feature-extraction', ['a'.repeat(100), '', 'ab'])).toBe(27)
    expect(unitsOf('feature-extraction', '')).toBe(1)
  })

  it('counts megapixels, and one for a picture whose size nobody knows yet', () => {
    expect(unitsOf('image-to-text', picture({ width: 2_000, height: 1_000 }))).toBe(2)
    expect(unitsOf('image-to-text', picture({ naturalWidth: 2_000, naturalHeight: 1_500, width: 2, height: 2 }))).toBe(
      3,
    )
    expect(unitsOf('image-to-text', picture({ videoWidth: 1_000, videoHeight: 500, width: 2, height: 2 }))).toBe(0.5)
    expect(unitsOf('image-to-text', picture({ displayWidth: 1_000, displayHeight: 1_000 }))).toBe(1)
    expect(unitsOf('image-to-text', 'https://example.com/page.png')).toBe(1)
    expect(unitsOf('image-to-text', new URL('https://example.com/page.png'))).toBe(1)
    expect(unitsOf('image-to-text', new Blob([]))).toBe(1)
  })

  it('counts thousands of elements of all tensors', () => {
    const tensor = (n: number) => ({ dtype: 'float32' as const, shape: [n], data: new Float32Array(n) })
    expect(unitsOf('tensors', { a: tensor(1_500), b: tensor(500) })).toBe(2)
  })

  it('is never nothing', () => {
    expect(unitsOf('tensors', {})).toBe(0.001)
    expect(unitsOf('feature-extraction', [])).toBe(0.001)
    expect(unitsOf('image-to-text', picture({ width: 0, height: 0 }))).toBe(0.001)
    expect(unitsOf('image-to-text', picture({ width: NaN, height: 10 }))).toBe(0.001)
    fc.assert(
      fc.property(fc.array(fc.string()), (texts) => {
        expect(unitsOf('feature-extraction', texts)).toBeGreaterThan(0)
      }),
    )
  })
})
