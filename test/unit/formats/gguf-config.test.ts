/** What the decode loop is told of a GGUF's model. */
import { describe, expect, test } from 'vitest'
import { languageModelConfig, readGguf } from '../../../packages/sdk/src/formats/index.js'
import { writeGguf, type GgufTestTensor, type GgufValue } from '../../support/gguf.js'

function metadata(architecture: string): Readonly<Record<string, GgufValue>> {
  return {
    'general.architecture': architecture,
    [`${architecture}.block_count`]: 3,
    [`${architecture}.context_length`]: 512,
    [`${architecture}.embedding_length`]: 64,
    [`${architecture}.attention.head_count`]: 4,
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'qwen2',
    'tokenizer.ggml.tokens': ['a', 'b', '<end>', '<|im_end|>', '<|eot_id|>', '<s>'],
    'tokenizer.ggml.merges': ['a b'],
    'tokenizer.ggml.eos_token_id': 2,
  }
}

async function configOf(values: Readonly<Record<string, GgufValue>>, tensors: readonly GgufTestTensor[] = []) {
  const bytes = writeGguf(values, tensors)
  return languageModelConfig(await readGguf((start, end) => Promise.resolve(bytes.subarray(start, end)), bytes.length))
}

test.for(['llama', 'qwen2', 'qwen3', 'gemma3'])('tells the shape of a %s', async (architecture) => {
  expect(await configOf(metadata(architecture))).toEqual({
    architecture,
    vocabularySize: 6,
    contextLength: 512,
    layers: 3,
    kvHeads: 4,
    headSize: 16,
    eosTokenIds: [2, 3, 4],
    addsBos: false,
  })
})

test('takes over heads of their own number and size, and BOS', async () => {
  const values = {
    ...metadata('qwen3'),
    'qwen3.attention.head_count_kv': 2,
    'qwen3.attention.key_length': 128,
    'tokenizer.ggml.bos_token_id': 5,
    'tokenizer.ggml.add_bos_token': true,
  }
  expect(await configOf(values)).toMatchObject({ kvHeads: 2, headSize: 128, bosTokenId: 5, addsBos: true })
})

test('has as many logits as the embeddings have rows', async () => {
  const embeddings = { name: 'token_embd.weight', shape: [64, 8], type: 0, data: new Uint8Array(64 * 8 * 4) }
  expect(await configOf(metadata('llama'), [embeddings])).toMatchObject({ vocabularySize: 8 })
})

test('names each token that ends an answer once', async () => {
  const values = { ...metadata('llama'), 'tokenizer.ggml.eos_token_id': 3, 'tokenizer.ggml.eot_token_id': 1 }
  expect(await configOf(values)).toMatchObject({ eosTokenIds: [3, 1, 4] })
})

describe('reads the format of texts from the chat template:', () => {
  test.for([
    ['{{ messages }}', undefined],
    ['<think>', { reasoning: { open: '<think>', close: '</think>' } }],
    ['<tool_call>{"name": …, "parameters": …}', { tools: 'hermes' }],
    ['<|python_tag|>', { tools: 'llama3' }],
    ['{"name": …, "parameters": …}', { tools: 'llama3' }],
  ] as const)('%s', async ([template, format]) => {
    const { format: read } = await configOf({ ...metadata('llama'), 'tokenizer.chat_template': template })
    expect(read).toEqual(format)
  })
})

describe('refuses', () => {
  test('another architecture, naming those that can be run', async () => {
    await expect(configOf(metadata('mamba'))).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringMatching(/mamba.*llama, qwen2, qwen3, gemma3/) as string,
    })
  })

  test.for(['general.architecture', 'llama.context_length', 'llama.embedding_length', 'tokenizer.ggml.tokens'])(
    'a file without %s',
    async (key) => {
      const values = Object.fromEntries(Object.entries(metadata('llama')).filter(([name]) => name !== key))
      await expect(configOf(values)).rejects.toMatchObject({ code: 'MANIFEST_INVALID', details: { key } })
    },
  )

  test('layers that differ in their heads', async () => {
    const values = { ...metadata('llama'), 'llama.attention.head_count_kv': [2, 4, 2] }
    await expect(configOf(values)).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      details: { key: 'llama.attention.head_count_kv' },
    })
  })
})
