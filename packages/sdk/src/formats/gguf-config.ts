/** What the decode loop must know of a GGUF's model. */
import type { LanguageModelConfig } from '../contract/index.js'
import { unsupported } from './gguf-errors.js'
import { numberOf, optionalNumberOf, optionalTextOf, textOf } from './gguf-metadata.js'
import type { GgufFile, GgufMetadata } from './gguf-types.js'
import { readVocabulary, tokenId, type GgufVocabulary } from './gguf-vocabulary.js'
import { textFormat } from './text-format.js'

const architectures: readonly string[] = ['llama', 'qwen2', 'qwen3', 'gemma3']

/** Tokens that end an answer whatever the file says of them, as in llama.cpp's `special_eog_ids`. */
const endTokens: readonly string[] = [
  ...['<|im_end|>', '<|endoftext|>', '<|end|>'],
  ...['<|eot_id|>', '<|eom_id|>', '<|end_of_text|>'],
  '<end_of_turn>',
]

/** @throws {EdgewardError} `MODEL_UNSUPPORTED` for other architectures, `MANIFEST_INVALID` where metadata is missing. */
export function languageModelConfig({ metadata, tensors }: GgufFile): LanguageModelConfig {
  const architecture = textOf(metadata, 'general.architecture')
  if (!architectures.includes(architecture)) {
    throw unsupported(`its architecture is ${architecture}; ${architectures.join(', ')} could be`, {
      architecture,
      runnable: architectures,
    })
  }
  const of = (key: string) => numberOf(metadata, `${architecture}.${key}`)
  const vocabulary = readVocabulary(metadata)
  const format = textFormat({ chat_template: optionalTextOf(metadata, 'tokenizer.chat_template') })
  const heads = of('attention.head_count')
  return {
    architecture,
    // Embeddings may be padded: there are as many logits as they have rows.
    vocabularySize: tensors.get('token_embd.weight')?.shape[1] ?? vocabulary.tokens.length,
    contextLength: of('context_length'),
    layers: of('block_count'),
    kvHeads: kvHeadsOf(metadata, architecture) ?? heads,
    headSize: optionalNumberOf(metadata, `${architecture}.attention.key_length`) ?? of('embedding_length') / heads,
    eosTokenIds: eosTokenIds(vocabulary, metadata),
    ...(vocabulary.bosId !== undefined && { bosTokenId: vocabulary.bosId }),
    addsBos: vocabulary.addsBos,
    ...(format && { format }),
  }
}

function kvHeadsOf(metadata: GgufMetadata, architecture: string): number | undefined {
  const key = `${architecture}.attention.head_count_kv`
  if (!Array.isArray(metadata[key])) return optionalNumberOf(metadata, key)
  throw unsupported(`its layers differ in their heads (${key})`, { key })
}

function eosTokenIds({ tokens, eosId }: GgufVocabulary, metadata: GgufMetadata): readonly number[] {
  const stated = [eosId, tokenId(metadata, 'eot', tokens), tokenId(metadata, 'eom', tokens)]
  const named = endTokens.map((token) => tokens.indexOf(token)).filter((id) => id >= 0)
  return [...new Set([...stated.filter((id) => id !== undefined), ...named])]
}
