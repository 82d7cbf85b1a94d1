/** Estimates of streams: how much work an answer is, and how fast it is expected to come. */
import { expect, it } from 'vitest'
import { streamUnits, unitsOfStream } from '../../../packages/sdk/src/router/streams.js'

it('an answer is as much work as it has tokens, and an eighth of its prompt', () => {
  expect(streamUnits({ prompt: 'a'.repeat(320) }, { maxTokens: 30 })).toBe(40)
  expect(streamUnits({ prompt: [1, 2, 3, 4, 5, 6, 7, 8] }, { maxTokens: 1 })).toBe(2)
  const messages = [
    { role: 'system', content: 'a'.repeat(32) },
    { role: 'user', content: 'b'.repeat(32) },
  ] as const
  expect(streamUnits({ messages }, { maxTokens: 10 })).toBe(12)
  expect(unitsOfStream(16, 8)).toBe(10)
})

it('an answer without a limit is taken for one of 256 tokens', () => {
  expect(streamUnits({ prompt: '' }, {})).toBe(256)
})
