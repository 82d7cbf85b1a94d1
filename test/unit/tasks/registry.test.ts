import { describe, expect, test } from 'vitest'
import type { TaskName } from '../../../packages/sdk/src/contract/index.js'
import { registry, taskNamed } from '../../../packages/sdk/src/tasks/index.js'
import { assertTaskName, checkInput, taskNames } from '../../../packages/sdk/src/tasks/page.js'

describe('the tasks by name', () => {
  test('every task is registered under its own name', () => {
    expect(Object.keys(registry)).toEqual([...taskNames])
    for (const name of taskNames) expect(taskNamed(name).name).toBe(name)
  })

  test('an unknown name is refused with all names and the nearest one', () => {
    expect(() => assertTaskName('feature-extracton')).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED_TASK',
        message:
          'There is no task "feature-extracton". Did you mean "feature-extraction"? ' +
          'The tasks are "tensors", "feature-extraction", "image-to-text", "text-generation".',
        details: { task: 'feature-extracton', tasks: taskNames, nearest: 'feature-extraction' },
      }),
    )
  })

  test('a name that is nothing like a task gets no guess', () => {
    expect(() => taskNamed('toString' as TaskName)).toThrow(/^There is no task "toString"\. The tasks are /)
  })
})

describe('input that cannot be right', () => {
  const wrong: [TaskName, unknown, string][] = [
    ['feature-extraction', 7, 'takes a string or an array of strings, and was given a number'],
    ['feature-extraction', null, 'and was given null'],
    ['feature-extraction', ['a', ['b']], 'its item 1 is an Array'],
    ['feature-extraction', Array(1), 'its item 0 is undefined'],
    ['image-to-text', new Uint8Array(3), 'and was given a Uint8Array'],
    ['image-to-text', '', 'was given an empty URL'],
    ['image-to-text', { src: 'a.png' }, 'and was given an Object'],
    ['tensors', 'x', 'takes an object of tensors by name, { x: { dtype, shape, data } }, and was given a string'],
    ['tensors', [1, 2], 'and was given an Array'],
    ['tensors', { x: [1, 2] }, 'The tensor "x" must be { dtype, shape, data }, and is an Array'],
    [
      'tensors',
      { x: { dtype: 'float', shape: [1], data: [1] } },
      'The tensor "x" has the dtype "float", which must be',
    ],
    [
      'tensors',
      { x: { dtype: 'float32', shape: [1, -1], data: new Float32Array(1) } },
      'must have a shape of whole numbers from 0 up, and has [1,-1]',
    ],
    [
      'tensors',
      { ids: { dtype: 'int64', shape: [2], data: new Int32Array(2) } },
      'The tensor "ids" is int64, so its data must be a BigInt64Array, and is an Int32Array',
    ],
    [
      'tensors',
      { h: { dtype: 'float16', shape: [2], data: new Float32Array(2) } },
      'so its data must be a Uint16Array that holds the bits, and is a Float32Array',
    ],
    [
      'tensors',
      { x: { dtype: 'float32', shape: [2, 3], data: new Float32Array(5) } },
      'The tensor "x" has the shape [2, 3], which is 6 values, but its data has 5',
    ],
    ['text-generation', 'Hi', 'takes { messages } or { prompt }, one of them, and was given a string'],
    ['text-generation', { messages: [], prompt: '' }, 'one of them'],
    ['text-generation', { messages: [] }, 'takes at least one message in a list'],
    ['text-generation', { prompt: [1, -1] }, 'takes a prompt that is a text or token ids'],
    ['text-generation', { messages: [{ role: 'robot', content: '' }] }, 'message 0 has the role'],
    ['text-generation', { messages: [{ role: 'user' }] }, 'message 0 has the content undefined, expected a text'],
    [
      'text-generation',
      { messages: [{ role: 'user', content: '' }], tools: [{ function: { name: 'f' } }] },
      'takes tools in a list, each of them { name, description, parameters }',
    ],
    ['tensors', { s: { dtype: 'string', shape: [2], data: ['a', 1] } }, 'so all of its data must be strings'],
  ]
  test.each(wrong)('%s refuses %o', (task, input, message) => {
    expect(() => checkInput(task, input)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringContaining(message) }),
    )
  })

  test('right input of every task passes', () => {
    const right: [TaskName, unknown][] = [
      ['feature-extraction', ''],
      ['feature-extraction', []],
      ['image-to-text', 'a.png'],
      ['text-generation', { prompt: [1, 2] }],
      ['text-generation', { messages: [{ role: 'user', content: '' }] }],
      ['image-to-text', new URL('https://example.org/a.png')],
      ['image-to-text', new Blob()],
      ['tensors', {}],
      ['tensors', { x: { dtype: 'float32', shape: [], data: new Float32Array(1) } }],
      ['tensors', { x: { dtype: 'bool', shape: [0, 4], data: new Uint8Array(0) } }],
    ]
    for (const [task, input] of right) expect(() => checkInput(task, input), task).not.toThrow()
  })
})
