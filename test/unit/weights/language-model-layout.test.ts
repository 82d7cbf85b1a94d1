/** A repository of a language model says what the decode loop must know, in the names of Transformers. */
import { describe, expect, test } from 'vitest'
import { languageModelLayout } from '../../../packages/sdk/src/weights/language-model-layout.js'
import { draftManifest } from '../../../packages/sdk/src/weights/repository-layout.js'
import type { RepositoryJson } from '../../../packages/sdk/src/weights/sentence-settings.js'

const qwen = {
  architectures: ['Qwen2ForCausalLM'],
  model_type: 'qwen2',
  vocab_size: 151_936,
  max_position_embeddings: 32_768,
  num_hidden_layers: 24,
  num_attention_heads: 14,
  num_key_value_heads: 2,
  hidden_size: 896,
  bos_token_id: 151_643,
  eos_token_id: 151_645,
}
const files = {
  'config.json': qwen,
  'generation_config.json': { eos_token_id: [151_645, 151_643] },
  'tokenizer.json': {},
  'tokenizer_config.json': { add_bos_token: false },
  'chat_template.jinja': {},
}

function repository(json: Readonly<Record<string, RepositoryJson>>) {
  const paths = [...Object.keys(json), 'onnx/model_q4f16.onnx', 'onnx/model_quantized.onnx']
  return {
    id: 'hf:onnx-community/x',
    revision: 'c0ffee',
    files: paths.map((path) => ({ path, bytes: 10 })),
    readJson: (path: string) => Promise.resolve(json[path]),
  }
}

function without(object: object, key: string): Readonly<Record<string, RepositoryJson>> {
  return Object.fromEntries(Object.entries(object).filter(([other]) => other !== key))
}

const drafts = { languageModel: languageModelLayout }

test('it is one of text generation', async () => {
  const { task, config, assets, variants } = await draftManifest(repository(files), drafts)
  expect(task).toBe('text-generation')
  expect(config).toEqual({
    architecture: 'qwen2',
    vocabularySize: 151_936,
    contextLength: 32_768,
    layers: 24,
    kvHeads: 2,
    headSize: 64,
    eosTokenIds: [151_645, 151_643],
    bosTokenId: 151_643,
  })
  expect(Object.entries(assets).map(([role, { path }]) => `${role}: ${path}`)).toEqual([
    'tokenizer: tokenizer.json',
    'tokenizerConfig: tokenizer_config.json',
    'chatTemplate: chat_template.jinja',
  ])
  expect(variants.map(({ dtype }) => dtype)).toEqual(['q8', 'q4f16'])
})

describe('what files say in other ways', () => {
  test('is read: a head of its own size, heads that are not shared, settings of the text part', async () => {
    const alone = without(qwen, 'num_key_value_heads')
    const config = { text_config: { ...alone, head_dim: 128, bos_token_id: null }, architectures: qwen.architectures }
    const { config: read } = await languageModelLayout(repository({ ...files, 'config.json': config }))
    expect(read).toMatchObject({ headSize: 128, kvHeads: 14 })
    expect(read).not.toHaveProperty('bosTokenId')
  })

  test('is told when it is missing', async () => {
    const lacking = without(qwen, 'num_hidden_layers')
    await expect(languageModelLayout(repository({ ...files, 'config.json': lacking }))).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      message:
        'hf:onnx-community/x: its config.json has no num_hidden_layers or n_layer, which text-generation cannot do without.',
    })
    await expect(languageModelLayout(repository(without(files, 'tokenizer.json')))).rejects.toThrow(
      'has no tokenizer.json',
    )
  })
})

test('a model that only encodes is none', async () => {
  const bert = { ...files, 'config.json': { ...qwen, architectures: ['BertModel'] } }
  expect((await draftManifest(repository(bert), drafts)).task).toBe('tensors')
})
