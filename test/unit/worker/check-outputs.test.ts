/** Outputs that are not what the manifest says go no further. */
import { describe, expect, it } from 'vitest'
import type { Tensor, TensorSpec } from '../../../packages/sdk/src/contract/index.js'
import { checkOutputs } from '../../../packages/sdk/src/worker/check-outputs.js'

const floats = (shape: readonly number[], length = shape.reduce((product, value) => product * value, 1)): Tensor => ({
  dtype: 'float32',
  shape,
  data: new Float32Array(length),
})
const spec = (name: string, shape: TensorSpec['shape'], dtype: TensorSpec['dtype'] = 'float32'): TensorSpec => ({
  name,
  dtype,
  shape,
})
const graph = { inputs: [spec('x', ['batch', 4])], outputs: [spec('y', ['batch', 'width', 3]), spec('z', ['width'])] }
const inputs = { x: floats([2, 4]) }

const check = (outputs: Readonly<Record<string, Tensor>>, wanted = ['y'], areShapesBinding = true) =>
  checkOutputs(graph, inputs, outputs, wanted, areShapesBinding)

describe('an output', () => {
  it('is taken when it is as stated, whichever were asked for', () => {
    expect(() => check({ y: floats([2, 5, 3]), z: floats([5]) }, ['y', 'z'])).not.toThrow()
    expect(() => check({ z: floats([9]) }, ['z'])).not.toThrow()
    expect(() => check({ y: floats([2, 0, 3]) })).not.toThrow()
  })

  it.each<[string, Readonly<Record<string, Tensor>>, string]>([
    ['missing', {}, 'is missing'],
    [
      'of another dtype',
      { y: { dtype: 'int32', shape: [2, 1, 3], data: new Int32Array(6) } },
      'must be float32, and is int32',
    ],
    ['of another rank', { y: floats([2, 3]) }, 'must have the shape [batch, width, 3], and is [2, 3]'],
    ['of another fixed length', { y: floats([2, 5, 4]) }, 'must have the shape [batch, width, 3], and is [2, 5, 4]'],
    ['short of values', { y: floats([2, 5, 3], 29) }, 'has 29 values, and its shape [2, 5, 3] is of 30'],
    [
      'of another batch than the input',
      { y: floats([1, 5, 3]) },
      'must have the length 2 in "batch", as the tensor "x" has',
    ],
  ])('is refused when it is %s', (_what, outputs, message) => {
    expect(() => check(outputs)).toThrow(
      expect.objectContaining({ code: 'OUTPUT_INVALID', details: expect.objectContaining({ output: 'y' }) as unknown }),
    )
    expect(() => check(outputs)).toThrow(message)
  })

  it('is refused when another output of the run has another length in the same dimension', () => {
    expect(() => check({ y: floats([2, 5, 3]), z: floats([6]) }, ['y', 'z'])).toThrow(/"z".*length 5 in "width".*"y"/)
  })

  it('may have any length in a dimension whose name the inputs do not agree on: exporters give one name to several', () => {
    const twice = { inputs: [spec('a', ['n', 'n', 'm']), spec('b', ['n', 'm'])], outputs: [spec('y', ['n', 'm'])] }
    const of = (y: Tensor) => checkOutputs(twice, { a: floats([2, 3, 4]), b: floats([5, 6]) }, { y }, ['y'], true)
    expect(() => of(floats([7, 8]))).not.toThrow()
    expect(() => of(floats([7]))).toThrow('must have the shape')
  })

  it('of a model without a manifest may have another shape than its file says, but not another dtype or length', () => {
    expect(() => check({ y: floats([1, 2]) }, ['y'], false)).not.toThrow()
    expect(() => check({ y: floats([1, 2], 3) }, ['y'], false)).toThrow('has 3 values')
    expect(() => check({ y: { dtype: 'bool', shape: [1], data: new Uint8Array(1) } }, ['y'], false)).toThrow(
      'must be float32',
    )
  })

  it('may be of any shape where the graph says nothing of it', () => {
    const silent = { inputs: [], outputs: [spec('y', [])] }
    expect(() => checkOutputs(silent, {}, { y: floats([2, 2]) }, ['y'], true)).not.toThrow()
  })
})
