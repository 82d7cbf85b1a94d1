/** Requests that are merged: only where it cannot change an answer, and each gets its own rows back. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type {
  Graph,
  Manifest,
  TaskBatching,
  TaskName,
  Tensor,
  TensorMap,
  VariantDtype,
} from '../../../packages/sdk/src/contract/index.js'
import { batchingOf } from '../../../packages/sdk/src/tasks/page.js'
import { everywhere } from '../router/inputs.js'

type Shape = readonly (number | string)[]

function manifestOf(inputs: readonly Shape[], outputs: readonly Shape[]): Manifest {
  const specs = (shapes: readonly Shape[]) =>
    shapes.map((shape, index) => ({ name: `t${index}`, dtype: 'float32', shape }) as const)
  const file = { path: 'model.onnx', bytes: 1, sha256: '', chunks: [] }
  const model: Graph = { file, inputs: specs(inputs), outputs: specs(outputs) }
  return { ...everywhere, variants: [{ dtype: 'fp32', backends: ['wasm'], graphs: { model } }] }
}

const batched = manifestOf([['batch', 4]], [['batch', 3]])

function batching(task: TaskName, manifest = batched, variant: VariantDtype = 'fp32'): TaskBatching<TaskName> {
  const found = batchingOf(task, manifest, variant)
  if (found === undefined) throw new Error(`${task} is not merged`)
  return found
}

function rows(count: number, width: number, from = 0): Tensor {
  const data = Float32Array.from({ length: count * width }, (_, index) => from + index)
  return { dtype: 'float32', shape: [count, width], data }
}

describe('requests are merged', () => {
  it.each<[string, Manifest, VariantDtype, TaskName]>([
    ['activations are quantised over the whole tensor', batched, 'int8', 'tensors'],
    ['the batch dimension is fixed', manifestOf([[1, 4]], [[1, 3]]), 'fp32', 'tensors'],
    ['an output has no batch dimension', manifestOf([['batch', 4]], [[3]]), 'fp32', 'tensors'],
    [
      'an input has another one',
      manifestOf(
        [
          ['batch', 4],
          ['other_batch', 4],
        ],
        [['batch', 3]],
      ),
      'fp32',
      'tensors',
    ],
    ['the batch is also another dimension', manifestOf([['batch', 'batch']], [['batch', 3]]), 'fp32', 'tensors'],
    ['the first dimension is a sequence', manifestOf([['tokens', 4]], [['tokens', 3]]), 'fp32', 'tensors'],
    ['the input has no rows', batched, 'fp32', 'image-to-text'],
  ])('never where %s', (_why, manifest, variant, task) => {
    expect(batchingOf(task, manifest, variant)).toBeUndefined()
  })

  it('when all graphs have the batch first, as symbol', () => {
    expect(batchingOf('tensors', batched, 'q8')).toBeDefined()
    expect(batchingOf('feature-extraction', manifestOf([['N', 'tokens']], [['N', 'tokens', 3]]), 'q8')).toBeDefined()
  })

  it('only with their like: same names, dtypes, shapes of a row, and wanted outputs', () => {
    const { kindOf } = batching('tensors')
    const kind = kindOf({ x: rows(1, 4) }, {})
    expect(kind).toBeDefined()
    expect(kindOf({ x: rows(3, 4) }, {})).toBe(kind)
    const others: TensorMap[] = [
      { x: rows(1, 5) },
      { y: rows(1, 4) },
      { x: { dtype: 'int32', shape: [1, 4], data: new Int32Array(4) } },
      { x: rows(1, 4), z: rows(1, 4) },
    ]
    for (const other of others) expect(kindOf(other, {})).not.toBe(kind)
    expect(kindOf({ x: rows(1, 4) }, { outputs: ['y'] })).not.toBe(kind)
  })

  it('never when a tensor has no rows, others than its neighbour, or holds strings', () => {
    const { kindOf } = batching('tensors')
    expect(kindOf({ x: { dtype: 'float32', shape: [], data: Float32Array.of(1) } }, {})).toBeUndefined()
    expect(kindOf({ x: rows(1, 4), z: rows(2, 4) }, {})).toBeUndefined()
    expect(kindOf({ x: { dtype: 'string', shape: [1], data: ['a'] } }, {})).toBeUndefined()
  })
})

describe('what is merged is split again', () => {
  it('tensors: whatever the rows, each request gets its own, in arrays of its own', () => {
    const counts = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 4 }), (sizes, width) => {
        const inputs = sizes.map((count, index) => ({ x: rows(count, width, index * 100) }))
        const { merge, split, rowsOf } = batching('tensors')
        const merged = merge(inputs) as TensorMap
        const total = sizes.reduce((sum, count) => sum + count, 0)
        expect(rowsOf(merged)).toBe(total)
        expect(merged['x']?.shape).toEqual([total, width])
        // A model that gives what it takes.
        expect(split(merged, inputs)).toEqual(inputs)
      }),
    )
  })

  it('texts: one list, and the vectors of each', () => {
    const inputs = ['one', ['two', 'three'], [], 'four']
    const { merge, split } = batching('feature-extraction')
    expect(merge(inputs)).toEqual(['one', 'two', 'three', 'four'])
    const vectors = [1, 2, 3, 4].map((value) => Float32Array.of(value))
    expect(split(vectors, inputs)).toEqual([[vectors[0]], [vectors[1], vectors[2]], [], [vectors[3]]])
  })

  it('fails with OUTPUT_INVALID when other rows come back', () => {
    const inputs = [{ x: rows(1, 4) }, { x: rows(2, 4) }]
    expect(() => batching('tensors').split({ y: rows(2, 3) }, inputs)).toThrow('A batch of 3 rows gave 2 rows.')
    expect(() => batching('feature-extraction').split([], ['one'])).toThrow('A batch of 1 rows gave 0 rows.')
  })
})
