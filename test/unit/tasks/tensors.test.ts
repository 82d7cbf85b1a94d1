import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LoadedTask, Manifest, TaskContext, TensorMap } from '../../../packages/sdk/src/contract/index.js'
import { registry } from '../../../packages/sdk/src/tasks/index.js'
import { openLocalModel, type LocalModel } from './local-model.js'

const floats = (shape: number[]) => {
  const length = shape.reduce((product, side) => product * side, 1)
  return { dtype: 'float32' as const, shape, data: new Float32Array(length).fill(0.5) }
}

describe('tensors on a real graph', () => {
  let model: LocalModel
  let task: LoadedTask<'tensors'>
  beforeAll(async () => {
    model = await openLocalModel('tiny-mlp')
    task = await registry.tensors.load(model)
  })
  afterAll(() => model.dispose())

  test('named tensors go in and come out', async () => {
    const { y, ...others } = await task.run({ x: floats([2, 4]) }, {}, model)
    expect(others).toEqual({})
    expect(y).toMatchObject({ dtype: 'float32', shape: [2, 3] })
    expect([...(y?.data.slice(0, 3) ?? [])]).toEqual([...(y?.data.slice(3) ?? [])])
  })

  test('the outputs that the caller names are asked for', async () => {
    expect(Object.keys(await task.run({ x: floats([1, 4]) }, { outputs: ['y'] }, model))).toEqual(['y'])
  })

  test('an unknown output is refused with the nearest name', async () => {
    await expect(task.run({ x: floats([1, 4]) }, { outputs: ['Y'] }, model)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: '"tiny-mlp" has no output "Y". Did you mean "y"? It gives "y" (float32 [batch, 3]).',
    })
  })

  test('an empty list of outputs is refused', async () => {
    await expect(task.run({ x: floats([1, 4]) }, { outputs: [] }, model)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    })
  })

  test('a request that was aborted is not run', async () => {
    const calls = model.calls.length
    const context = { ...model, signal: AbortSignal.abort() }
    await expect(task.run({ x: floats([1, 4]) }, {}, context)).rejects.toHaveProperty('name', 'AbortError')
    expect(model.calls).toHaveLength(calls)
  })
})

describe('tensors against the manifest', () => {
  const inputs = [
    { name: 'ids', dtype: 'int64', shape: ['batch', 'sequence'] },
    { name: 'mask', dtype: 'int64', shape: ['batch', 'sequence'] },
    { name: 'image', dtype: 'float32', shape: ['batch', 3] },
  ]
  // Only what the task reads.
  const manifest = { id: 'm', variants: [{ graphs: { model: { inputs, outputs: [] } } }] } as unknown as Manifest
  const context = { manifest, signal: new AbortController().signal } as TaskContext
  const longs = (shape: number[]) => {
    const length = shape.reduce((product, side) => product * side, 1)
    return { dtype: 'int64' as const, shape, data: new BigInt64Array(length) }
  }
  const right = { ids: longs([2, 5]), mask: longs([2, 5]), image: floats([2, 3]) }
  const wrong: [string, TensorMap, string][] = [
    [
      'a missing tensor',
      { ids: right.ids, image: right.image },
      'The tensor "mask" is missing: "m" takes "ids" (int64 [',
    ],
    ['an unknown tensor', { ...right, imag: right.image }, '"m" has no input "imag". Did you mean "image"?'],
    ['another dtype', { ...right, ids: floats([2, 5]) }, 'The tensor "ids" must be int64, and is float32'],
    ['another rank', { ...right, ids: longs([10]) }, '"ids" must have the shape [batch, sequence], and is [10]'],
    [
      'another fixed length',
      { ...right, image: floats([2, 4]) },
      '"image" must have the shape [batch, 3], and is [2, 4]',
    ],
    [
      'a symbolic length that differs between tensors',
      { ...right, mask: longs([2, 6]) },
      'The tensor "mask" must have the length 5 in "sequence", as the tensor "ids" has, and is [2, 6]',
    ],
    [
      'data of another length',
      { ...right, ids: { ...right.ids, shape: [2, 4] } },
      'which is 8 values, but its data has 10',
    ],
  ]
  test.each(wrong)('refuses %s', async (_, input, message) => {
    const task = await registry.tensors.load(context)
    await expect(task.run(input, {}, context)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining(message) as string,
    })
  })

  test('a model of several graphs is refused', async () => {
    const graphs = { detection: {}, recognition: {} }
    const two = { id: 'm', task: 'image-to-text', variants: [{ graphs }] } as unknown as Manifest
    await expect(registry.tensors.load({ ...context, manifest: two })).rejects.toMatchObject({
      code: 'UNSUPPORTED_TASK',
      message:
        '"m" has the graphs "detection", "recognition" and no "model", so it cannot do the task "tensors"; ' +
        'its task is "image-to-text".',
    })
  })
})
