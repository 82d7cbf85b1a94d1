/** Blocks are decoded as the `gguf` package of llama.cpp does it; see test/fixtures/generation/README.md. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { blocksOf, decodeTensor, type GgmlType } from '../../../packages/sdk/src/formats/index.js'
import { fromRoot } from '../../../scripts/lib/root.mjs'

const recorded = JSON.parse(
  readFileSync(fromRoot('test', 'fixtures', 'generation', 'gguf-blocks.json'), 'utf8'),
) as Record<GgmlType, { raw: string; values: string }>
const types = Object.keys(recorded) as GgmlType[]

function load(type: GgmlType) {
  const values = Uint8Array.from(Buffer.from(recorded[type].values, 'base64'))
  return { raw: Uint8Array.from(Buffer.from(recorded[type].raw, 'base64')), values: new Float32Array(values.buffer) }
}

/** Exact, but for the sign of zeros, which is no weight's. */
function unsigned(values: Float32Array): Float32Array {
  return values.map((value) => (value === 0 ? 0 : value))
}

describe.for(types)('%s', (type) => {
  test('is decoded to the recorded values', () => {
    const { raw, values } = load(type)
    const out = new Float32Array(values.length)
    decodeTensor(type, raw, out)
    expect(unsigned(out)).toEqual(unsigned(values))
  })

  test('is decoded from and to any place of a buffer', () => {
    const { raw, values } = load(type)
    const [from, to] = [new Uint8Array(raw.length + 3), new Float32Array(values.length + 1)]
    from.set(raw, 3)
    decodeTensor(type, from.subarray(3), to.subarray(1))
    expect(unsigned(to.subarray(1))).toEqual(unsigned(values))
  })

  test('is refused where bytes and weights do not fit', () => {
    const { raw, values } = load(type)
    const out = new Float32Array(values.length)
    for (const bytes of [raw.subarray(1), raw.subarray(0, 0)]) {
      expect(() => decodeTensor(type, bytes, out)).toThrow(expect.objectContaining({ code: 'MANIFEST_INVALID' }))
    }
  })
})

test.for(['Q4_0', 'Q4_1', 'Q8_0'] as const)('the integers, scales and offsets of %s come to its values', (type) => {
  const { raw, values } = load(type)
  const { q, d, m } = blocksOf(type, raw) ?? expect.fail(`${type} has blocks`)
  expect(q).toHaveLength(values.length)
  expect(d).toHaveLength(values.length / 32)
  const weights = Float32Array.from(q, (quant, at) => (d[at >> 5] ?? NaN) * quant + (m[at >> 5] ?? NaN))
  expect(unsigned(weights)).toEqual(unsigned(values))
})

test('the integers, scales and offsets of Q4_K come to its values, but for the rounding of its scales', () => {
  const { raw, values } = load('Q4_K')
  const { q, d, m } = blocksOf('Q4_K', raw) ?? expect.fail('Q4_K has blocks')
  expect(q).toHaveLength(values.length)
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const off = values.map((value, at) => Math.abs((d[at >> 5] ?? NaN) * (q[at] ?? NaN) + (m[at >> 5] ?? NaN) - value))
  expect(Math.max(...off) / largest).toBeLessThan(1e-6)
})

test('types without one scale and offset for 32 weights have no such blocks', () => {
  for (const type of ['F32', 'F16', 'BF16', 'Q6_K'] as const) {
    expect(blocksOf(type, load(type).raw)).toBeUndefined()
  }
})
