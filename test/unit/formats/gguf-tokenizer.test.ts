/** The tokenizer and the chat template of a GGUF give what llama.cpp gives; see test/fixtures/generation/README.md. */
import { readFileSync } from 'node:fs'
import { brotliDecompressSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import type { ChatMessage } from '../../../packages/sdk/src/contract/index.js'
import { ggufTokenizer, readGguf, type GgufMetadata } from '../../../packages/sdk/src/formats/index.js'
import { createChatTemplate } from '../../../packages/sdk/src/generation/chat-template.js'
import { createTextTokenizer } from '../../../packages/sdk/src/generation/text-tokenizer.js'
import { fromRoot } from '../../../scripts/lib/root.mjs'
import { writeGguf, type GgufValue } from '../../support/gguf.js'

const fixture = (name: string) => readFileSync(fromRoot('test', 'fixtures', 'generation', name))

async function metadataOf(bytes: Uint8Array): Promise<GgufMetadata> {
  const { metadata } = await readGguf((start, end) => Promise.resolve(bytes.subarray(start, end)), bytes.length)
  return metadata
}

const made = (metadata: Readonly<Record<string, GgufValue>>) => metadataOf(writeGguf(metadata, []))

function tokenizerOf(metadata: GgufMetadata) {
  const { tokenizer, config } = ggufTokenizer(metadata)
  return createTextTokenizer(tokenizer, config)
}

describe('SmolLM2', () => {
  const recorded = JSON.parse(fixture('smollm2-tokens.json').toString()) as {
    readonly texts: readonly { readonly text: string; readonly ids: readonly number[] }[]
    readonly chats: readonly { readonly messages: readonly ChatMessage[]; readonly prompt: string }[]
  }
  let metadata: GgufMetadata

  beforeAll(async () => {
    metadata = await metadataOf(brotliDecompressSync(fixture('tokenizer-smollm2.gguf.br')))
  })

  test('splits hard texts, and a long one, into the tokens that llama.cpp has for them', () => {
    const tokenizer = tokenizerOf(metadata)
    const ids = recorded.texts.map(({ text }) => ({ text, ids: tokenizer.encode(text) }))
    expect(ids).toEqual(recorded.texts)
    expect(recorded.texts.length).toBeGreaterThan(50)
    expect(Math.max(...recorded.texts.map((recording) => recording.ids.length))).toBeGreaterThan(500)
  })

  test('makes the same texts of them again', () => {
    const tokenizer = tokenizerOf(metadata)
    for (const { text, ids } of recorded.texts) {
      if (!/<\|\w+\|>/.test(text)) expect(tokenizer.decode(ids)).toBe(text)
    }
  })

  test('puts chats into the form that llama.cpp gives them', () => {
    const template = createChatTemplate(ggufTokenizer(metadata).config)
    const prompts = recorded.chats.map(({ messages }) => ({ messages, prompt: template.render({ messages }) }))
    expect(prompts).toEqual(recorded.chats)
  })

  test('names the tokens that its metadata names', () => {
    expect(ggufTokenizer(metadata).config).toMatchObject({
      bos_token: '<|im_start|>',
      eos_token: '<|im_end|>',
      pad_token: '<|im_end|>',
      unk_token: '<|endoftext|>',
      add_bos_token: false,
    })
  })
})

/** A vocabulary of single bytes, of the words that are given, and of all their beginnings. */
function byteLevel(preTokenizer: string, words: readonly string[] = []) {
  const bytes = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index))
  const others = ['Ġ', 'Ċ', 'Â', 'ĉ', '½', 'Ã', '©']
  const beginnings = words.flatMap((word) => Array.from({ length: word.length - 1 }, (_, at) => word.slice(0, at + 2)))
  const tokens = [...new Set([...bytes, ...others, ...beginnings])]
  const merges = [...new Set(beginnings.map((beginning) => `${beginning.slice(0, -1)} ${beginning.slice(-1)}`))]
  return {
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': preTokenizer,
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.ggml.merges': merges,
  }
}

/** Spelled as in the vocabulary. */
async function tokensOf(metadata: Readonly<Record<string, GgufValue>>, text: string, addSpecial = false) {
  const tokenizer = tokenizerOf(await made(metadata))
  return tokenizer.encode(text, { addSpecial }).map((id) => tokenizer.tokenOf(id))
}

describe('splits texts into words as', () => {
  // Whatever is one word is one token.
  const words = [
    "don't",
    "'t",
    'don',
    'Don',
    "'T",
    '1234',
    '123',
    '12',
    '...',
    '!!',
    'Ġa',
    'Ċ',
    '.Ċ',
    '!!Ċ',
    'ĠĠ',
    ',x',
  ]

  test.for([
    ['default', ['a1234...', 'a|123|4|...']],
    ['gpt-2', ["don't a1234...", "don|'t|Ġa|1234|..."]],
    ['gpt-2', ["Don'T", "Don|'|T"]],
    ['smollm', ['a12', 'a|1|2']],
    ['qwen2', ["Don'T12!!\n a", "Don|'T|1|2|!!Ċ|Ġa"]],
    ['llama-bpe', ["Don'T1234!!\n a", "Don|'T|123|4|!!Ċ|Ġa"]],
    ['llama3', [',x   a', ',x|ĠĠ|Ġa']],
  ] as const)('%s does: %j', async ([preTokenizer, [text, expected]]) => {
    expect((await tokensOf(byteLevel(preTokenizer, words), text)).join('|')).toBe(expected)
  })

  test('another one is refused by name', async () => {
    const metadata = await made(byteLevel('tekken'))
    expect(() => ggufTokenizer(metadata)).toThrow(
      expect.objectContaining({
        code: 'MODEL_UNSUPPORTED',
        message: expect.stringMatching(/"tekken".*smollm.*qwen2/) as string,
      }),
    )
  })
})

test('a whole word of Llama 3 is its token though no merges make it', async () => {
  const metadata = byteLevel('llama-bpe')
  const tokens = [...metadata['tokenizer.ggml.tokens'], 'whole']
  expect(await tokensOf({ ...metadata, 'tokenizer.ggml.tokens': tokens }, 'whole')).toEqual(['whole'])
})

describe('SentencePiece', () => {
  const tokens = ['<unk>', '<s>', '</s>', '<0xC3>', '<0xA9>', '\ufeff', '▁', 'a', 'b', '▁a', 'ab', '[X]']
  const metadata = {
    'tokenizer.ggml.model': 'llama',
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.ggml.scores': tokens.map((_, id) => -id - 0.5),
    'tokenizer.ggml.token_type': [2, 3, 3, 6, 6, 1, 1, 1, 1, 1, 1, 4],
    'tokenizer.ggml.bos_token_id': 1,
    'tokenizer.ggml.eos_token_id': 2,
  }

  test('merges by score, falls back to bytes, and begins with a space behind every special token', async () => {
    expect(await tokensOf(metadata, 'ab é[X]b</s>a')).toEqual([
      '▁a',
      'b',
      '▁',
      '<0xC3>',
      '<0xA9>',
      '[X]',
      '▁',
      'b',
      '</s>',
      '▁a',
    ])
  })

  test('begins with none where the file says so', async () => {
    expect(await tokensOf({ ...metadata, 'tokenizer.ggml.add_space_prefix': false }, 'ab a')).toEqual(['ab', '▁a'])
  })

  test('has a token for a byte order mark', async () => {
    expect(await tokensOf({ ...metadata, 'tokenizer.ggml.add_space_prefix': false }, '\ufeffa')).toEqual([
      '\ufeff',
      'a',
    ])
  })

  test('begins with BOS, unless the file says otherwise', async () => {
    expect(await tokensOf(metadata, 'a', true)).toEqual(['<s>', '▁a'])
    expect(await tokensOf({ ...metadata, 'tokenizer.ggml.add_bos_token': false }, 'a', true)).toEqual(['▁a'])
  })
})

test('several chat templates are kept by name', async () => {
  const metadata = await made({
    ...byteLevel('qwen2'),
    'tokenizer.chat_template': 'plain',
    'tokenizer.chat_templates': ['tool_use'],
    'tokenizer.chat_template.tool_use': 'with tools',
  })
  expect(ggufTokenizer(metadata).config).toMatchObject({
    chat_template: [
      { name: 'default', template: 'plain' },
      { name: 'tool_use', template: 'with tools' },
    ],
  })
})

describe('refuses', () => {
  const whole = byteLevel('qwen2', ['ab'])
  test.for([
    ['another kind of tokenizer', { 'tokenizer.ggml.model': 'bert' }, 'MODEL_UNSUPPORTED', '"bert"'],
    ['a kind that is a number', { 'tokenizer.ggml.model': 7 }, 'MANIFEST_INVALID', 'tokenizer.ggml.model'],
    ['tokens that are numbers', { 'tokenizer.ggml.tokens': [1, 2] }, 'MANIFEST_INVALID', 'tokenizer.ggml.tokens'],
    ['too few token types', { 'tokenizer.ggml.token_type': [1] }, 'MANIFEST_INVALID', 'tokenizer.ggml.token_type'],
    ['a merge of one part', { 'tokenizer.ggml.merges': ['a b', 'ab'] }, 'MANIFEST_INVALID', 'number 1'],
    ['an end token that there is not', { 'tokenizer.ggml.eos_token_id': 99_999 }, 'MANIFEST_INVALID', '99999'],
    ['SentencePiece without scores', { 'tokenizer.ggml.model': 'llama' }, 'MANIFEST_INVALID', 'scores'],
  ] as const)('%s', async ([, change, code, message]) => {
    const metadata = await made({ ...whole, ...change })
    expect(() => ggufTokenizer(metadata)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) as string }),
    )
  })
})
