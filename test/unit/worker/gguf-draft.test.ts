/** A GGUF's header becomes a manifest: what can be made of it, where, and what that takes. */
import { describe, expect, test } from 'vitest'
import { buildLlama, readGguf } from '../../../packages/sdk/src/formats/index.js'
import { ChunkedFile } from '../../../packages/sdk/src/weights/chunked-file.js'
import { draftGguf } from '../../../packages/sdk/src/worker/gguf-draft.js'
import { MadeWeights } from '../../../packages/sdk/src/worker/gguf-graph.js'
import { tinyLlamaGguf } from '../../support/tiny-llama.js'

const gguf = tinyLlamaGguf()
const read = async (start: number, end: number) => gguf.slice(start, end)
const source = { id: 'https://x.example/tiny.gguf', revision: 'r', path: 'tiny.gguf', bytes: gguf.length, read }

describe('a draft', () => {
  test('says what can be made of the file, best first, and what memory that takes', async () => {
    const { variants, ...manifest } = await draftGguf(source)
    expect(manifest).toMatchObject({
      task: 'text-generation',
      licence: 'NOASSERTION',
      config: { layers: 2 },
      assets: {},
    })
    expect(variants.map(({ dtype, backends }) => [dtype, ...backends])).toEqual([
      ['q4f16', 'webgpu'],
      ['q4', 'webgpu'],
      ['fp32', 'wasm'],
      ['int8', 'wasm'],
      ['q8', 'wasm'],
    ])
    const memory = Object.fromEntries(variants.map(({ dtype, memoryBytes = 0 }) => [dtype, memoryBytes]))
    expect(memory['fp32']).toBeGreaterThan(memory['int8'] ?? NaN)
    expect(memory['q8']).toBeGreaterThan(memory['fp32'] ?? NaN)
  })

  test('counts the weights from the header alone', async () => {
    const { cost } = await draftGguf(source)
    const { tensors } = await readGguf(read, gguf.length)
    const counts = [...tensors.values()].map(({ shape }) => shape.reduce((product, length) => product * length, 1))
    expect(cost).toEqual({
      parameters: counts.reduce((sum, count) => sum + count, 0),
      largestTensorParameters: 64 * 260,
    })
  })

  test('keeps what the hub told: the digest, the licence, the name that it was asked for by', async () => {
    const told = { ...source, sha256: 'a'.repeat(64), licence: 'mit', askedFor: 'hf:org/repo/tiny.gguf@main' }
    const { variants, licence, provenance } = await draftGguf(told)
    expect(variants[0].graphs['model']?.file).toMatchObject({ sha256: 'a'.repeat(64), chunks: [''] })
    expect([licence, provenance[0]?.source]).toEqual(['mit', 'hf:org/repo/tiny.gguf@main'])
  })
})

test('weights are made when their range is asked for, whatever chunks they lie in, and no other range is', async () => {
  const parsed = await readGguf(read, gguf.length)
  const { weights, externalBytes } = buildLlama(parsed, {
    dtype: 'fp32',
    attention: 'Attention',
    externalPath: 'weights',
  })
  const chunkBytes = 1_000
  const file = new ChunkedFile({ path: 'tiny.gguf', bytes: gguf.length }, chunkBytes)
  for (let at = 0; at < gguf.length; at += chunkBytes) file.put(at / chunkBytes, gguf.slice(at, at + chunkBytes))
  const made = new MadeWeights(file, weights, externalBytes)
  expect(made.byteLength).toBe(externalBytes)
  for (const weight of weights) {
    const expected = weight.make(({ offset, bytes }) => gguf.subarray(offset, offset + bytes))
    expect(made.subarray(weight.offset, weight.offset + weight.bytes)).toEqual(expected)
  }
  expect(() => made.subarray(1, 2)).toThrow('no weight lies from 1 to 2')
})
