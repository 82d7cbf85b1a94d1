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
