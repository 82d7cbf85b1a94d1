/** Texts that cannot fit are refused by their beginning, and others are encoded as ever. */
import { expect, it } from 'vitest'
import { encodingWithin } from '../../../packages/sdk/src/generation/encode-within.js'
import { createTextTokenizer } from '../../../packages/sdk/src/generation/text-tokenizer.js'
import { FakeModel } from './support/fake-model.js'
import { answerOf, generatorOf } from './support/generate.js'
import { tinyTokenizerConfig, tinyTokenizerJson } from './support/tiny-tokenizer.js'

const tokenizer = createTextTokenizer(tinyTokenizerJson, tinyTokenizerConfig)
const overflow: unknown = expect.objectContaining({ code: 'CONTEXT_OVERFLOW' })

it('never encodes to its end what is far too long for the context', () => {
  const encoded: number[] = []
  const counted = {
    ...tokenizer,
    encode: (text: string) => {
      encoded.push(text.length)
      return tokenizer.encode(text)
    },
  }
  expect(() => encodingWithin(counted, 512).encode('😀 no '.repeat(1_000_000))).toThrow(overflow)
  expect(Math.max(...encoded)).toBeLessThan(20_000)
})

it('encodes what fits, however long its text is, as the tokenizer does', () => {
  const within = encodingWithin(tokenizer, 100_000)
  for (const text of ['', 'the abc', 'the '.repeat(10_000), 'abc'.repeat(20_000)]) {
    expect(within.encode(text)).toEqual(tokenizer.encode(text))
  }
})

it('holds for prompts, chats, and what is written of an answer already', async () => {
  const long = 'x'.repeat(100_000)
  const generator = generatorOf(new FakeModel())
  const chat = { messages: [{ role: 'user', content: long }] } as const
  await expect(answerOf(generator, { prompt: long }, {})).rejects.toThrow(/more than 163../)
  await expect(answerOf(generator, chat, {})).rejects.toThrow(/more than 163../)
  const resume = { text: long, usedTokens: 0 }
  await expect(answerOf(generator, { prompt: 'x' }, {}, resume)).rejects.toThrow(/more than 163../)
  await expect(answerOf(generator, { prompt: [1.5] }, {})).rejects.toMatchObject({ code: 'INVALID_INPUT' })
})
