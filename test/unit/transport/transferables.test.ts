/** Which buffers of an answer are moved, and which are copied. */
import { expect, it } from 'vitest'
import { transferablesOf } from '../../../packages/sdk/src/transport/transferables.js'

it('moves the buffers that typed arrays cover wholly, wherever they lie', () => {
  const first = new Float32Array(4)
  const second = new BigInt64Array(2)
  const third = new Uint8Array(3)
  const answer = { output: { y: { dtype: 'float32', shape: [4], data: first } }, list: [second, [third]], text: 'text' }
  expect(transferablesOf(answer)).toEqual([first.buffer, second.buffer, third.buffer])
})

it('leaves a view on a part of a buffer to be copied', () => {
  const whole = new Uint8Array(8)
  expect(transferablesOf({ data: whole.subarray(0, 4) })).toEqual([])
  expect(transferablesOf({ data: new Uint8Array(whole.buffer, 4) })).toEqual([])
})

it('names a buffer once that two tensors share', () => {
  const data = new Float32Array(2)
  expect(transferablesOf([data, new Uint8Array(data.buffer)])).toEqual([data.buffer])
})

it('leaves shared memory, strings and what it does not know alone', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(8))
  expect(transferablesOf({ shared, names: ['a', 'b'], at: new Date(), nothing: null, count: 1 })).toEqual([])
  expect(transferablesOf(undefined)).toEqual([])
})

it('finds what can really be moved: the sender has it no more', () => {
  const data = Float32Array.of(1, 2)
  const answer = { data }
  const moved = structuredClone(answer, { transfer: transferablesOf(answer) })
  expect(moved.data).toEqual(Float32Array.of(1, 2))
  expect(data.length).toBe(0)
})
