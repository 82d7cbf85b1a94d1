/** A file is cut into the chunks that its manifest has digests for. */
import { describe, expect, test } from 'vitest'
import { splitIntoChunks } from '../../../packages/sdk/src/weights/chunks.js'

const fileOf = (bytes: number, digests: number) => ({
  path: 'model.onnx',
  bytes,
  sha256: 'whole',
  chunks: Array.from({ length: digests }, (_, index) => `digest ${index}`),
})

describe('splitIntoChunks', () => {
  test.each([
    [0, []],
    [1, [1]],
    [4, [4]],
    [5, [4, 1]],
    [8, [4, 4]],
    [10, [4, 4, 2]],
  ])('covers %i bytes without gap or overlap', (bytes, lengths) => {
    const chunks = splitIntoChunks(fileOf(bytes, lengths.length), 4)
    expect(chunks.map((chunk) => chunk.bytes)).toEqual(lengths)
    expect(chunks.map((chunk) => chunk.offset)).toEqual(lengths.map((_, index) => index * 4))
    expect(chunks.map((chunk) => chunk.digest)).toEqual(lengths.map((_, index) => `digest ${index}`))
  })

  test.each([1, 3])('refuses %i digests for two chunks', (digests) => {
    expect(() => splitIntoChunks(fileOf(8, digests), 4)).toThrow(/model\.onnx: 8 bytes in chunks of 4 need 2 digests/)
  })
})
