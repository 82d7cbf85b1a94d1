/** Two answers to one request: when they count as the same. */
import { describe, expect, it } from 'vitest'
import type { CanaryOutput, Manifest, Tensor } from '../../../packages/sdk/src/contract/index.js'
import { compareOutputs } from '../../../packages/sdk/src/telemetry/compare-outputs.js'
import { everywhere } from '../router/inputs.js'

const floats = (...data: number[]): Tensor => ({
  dtype: 'float32',
  shape: [data.length],
  data: Float32Array.from(data),
})
const tolerant = withTolerance(everywhere, { absolute: 0.01, relative: 0.1 })

describe('tensors', () => {
  it('agree within the tolerance of the canary of that output', () => {
    const comparison = compareOutputs('tensors', tolerant, { y: floats(1, -2) }, { y: floats(1.1, -2.2) })
    expect(comparison.agreed).toBe(true)
    expect(comparison.largestDifference).toBeCloseTo(0.2)
  })

  it('disagree beyond it, or where only one of two is a number', () => {
    expect(compareOutputs('tensors', tolerant, { y: floats(1) }, { y: floats(1.2) }).agreed).toBe(false)
    const unknown = compareOutputs('tensors', tolerant, { y: floats(1) }, { y: floats(NaN) })
    expect(unknown).toEqual({ agreed: false, largestDifference: Infinity })
  })

  it('are not judged where no canary says how far they may differ, but measured', () => {
    const comparison = compareOutputs('tensors', everywhere, { y: floats(1) }, { y: floats(1.5) })
    expect(comparison).toEqual({ largestDifference: 0.5 })
  })

  it('disagree when names, shapes or dtypes differ', () => {
    const y = floats(1, 2)
    expect(compareOutputs('tensors', tolerant, { y }, { z: y })).toEqual({ agreed: false })
    expect(compareOutputs('tensors', tolerant, { y }, { y, z: y })).toEqual({ agreed: false })
    expect(compareOutputs('tensors', tolerant, { y }, { y: { ...y, shape: [2, 1] } }).agreed).toBe(false)
    const double: Tensor = { dtype: 'float64', shape: [2], data: Float64Array.of(1, 2) }
    expect(compareOutputs('tensors', tolerant, { y }, { y: double }).agreed).toBe(false)
  })

  it('of float16 are read as the numbers that their bits stand for', () => {
    const half = (bits: number): Tensor => ({ dtype: 'float16', shape: [1], data: Uint16Array.of(bits) })
    const [one, onePointFive] = [half(0x3c00), half(0x3e00)]
    expect(compareOutputs('tensors', tolerant, { y: one }, { y: onePointFive })).toEqual({
      agreed: false,
      largestDifference: 0.5,
    })
  })

  it('of texts and integers must be equal', () => {
    const texts = (...data: string[]): Tensor => ({ dtype: 'string', shape: [data.length], data })
    expect(compareOutputs('tensors', everywhere, { y: texts('a') }, { y: texts('a') })).toEqual({ agreed: true })
    expect(compareOutputs('tensors', everywhere, { y: texts('a') }, { y: texts('b') })).toEqual({ agreed: false })
    const wide = (value: bigint): Tensor => ({ dtype: 'int64', shape: [1], data: BigInt64Array.of(value) })
    const apart = compareOutputs('tensors', everywhere, { y: wide(3n) }, { y: wide(4n) })
    expect(apart).toEqual({ agreed: false, largestDifference: 1 })
  })
})

describe('vectors', () => {
  it('agree when they point the same way', () => {
    const { agreed, largestDifference } = compareOutputs(
      'feature-extraction',
      undefined,
      [Float32Array.of(0.6, 0.8)],
      [Float32Array.of(0.601, 0.799)],
    )
    expect(agreed).toBe(true)
    expect(largestDifference).toBeCloseTo(0.001)
  })

  it('disagree when they do not, when one is missing, and when one holds no numbers', () => {
    const [a, b] = [Float32Array.of(0.6, 0.8), Float32Array.of(0.8, 0.6)]
    expect(compareOutputs('feature-extraction', undefined, [a], [b]).agreed).toBe(false)
    expect(compareOutputs('feature-extraction', undefined, [a], [a, b])).toEqual({ agreed: false })
    expect(compareOutputs('feature-extraction', undefined, [a], [Float32Array.of(NaN, NaN)]).agreed).toBe(false)
  })
})

describe('texts of pictures', () => {
  const page = (text: string) => ({ text, lines: [], width: 1, height: 1 })

  it('agree when their lines are the same', () => {
    expect(compareOutputs('image-to-text', undefined, page('a\nb'), page('a\nb'))).toEqual({ agreed: true })
    expect(compareOutputs('image-to-text', undefined, page('a\nb'), page('a\nc'))).toEqual({ agreed: false })
  })
})

function withTolerance(manifest: Manifest, tolerance: CanaryOutput['tolerance']): Manifest {
  const [variant] = manifest.variants
  const canary = { inputs: {}, outputs: { y: { shape: [1], stride: 1, values: [], tolerance } } }
  const file = { path: 'model.onnx', bytes: 1, sha256: '', chunks: [] }
  return { ...manifest, variants: [{ ...variant, graphs: { model: { file, inputs: [], outputs: [], canary } } }] }
}
