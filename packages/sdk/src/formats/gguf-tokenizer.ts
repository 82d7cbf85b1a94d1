/** Makes a GGUF's tokenizer, in the form that Hugging Face's tokenizers have. */
import { byteLevelParts } from './gguf-byte-level.js'
import { optionalTextOf, textOf, textsOf } from './gguf-metadata.js'
import { sentencePieceParts } from './gguf-sentence-piece.js'
import type { GgufMetadata } from './gguf-types.js'
import { readVocabulary, tokenKinds, type GgufVocabulary } from './gguf-vocabulary.js'

export interface GgufTokenizer {
  /** As `tokenizer.json`. */
  readonly tokenizer: object
  /** As `tokenizer_config.json`, with `chat_template` where the file has one. */
  readonly config: object
}

/** @throws {EdgewardError} `MODEL_UNSUPPORTED` for a tokenizer of another kind, `MANIFEST_INVALID` for one that is damaged. */
export function ggufTokenizer(metadata: GgufMetadata): GgufTokenizer {
  const vocabulary = readVocabulary(metadata)
  const parts =
    vocabulary.model === 'gpt2' ? byteLevelParts(vocabulary, metadata) : sentencePieceParts(vocabulary, metadata)
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: addedTokens(vocabulary),
      post_processor: postProcessor(vocabulary),
      ...parts,
    },
    config: tokenizerConfig(vocabulary, metadata),
  }
}

/** The tokens that are found in a text before it is split: llama.cpp's `cache_special_tokens`. */
function addedTokens({ tokens, kinds }: GgufVocabulary): readonly object[] {
  const { unknown, control, userDefined } = tokenKinds
  return tokens.flatMap((content, id) => {
    const kind = kinds[id]
    if (content === '' || (kind !== unknown && kind !== control && kind !== userDefined)) return []
    const special = kind !== userDefined
    return [{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special }]
  })
}

function postProcessor({ tokens, bosId, addsBos }: GgufVocabulary): object | null {
  const bos = bosId === undefined ? undefined : tokens[bosId]
  if (!addsBos || bos === undefined) return null
  const first = { SpecialToken: { id: bos, type_id: 0 } }
  const [a, b] = ['A', 'B'].map((id) => ({ Sequence: { id, type_id: 0 } }))
  return {
    type: 'TemplateProcessing',
    single: [first, a],
    pair: [first, a, b],
    special_tokens: { [bos]: { id: bos, ids: [bosId], tokens: [bos] } },
  }
}

function tokenizerConfig(vocabulary: GgufVocabulary, metadata: GgufMetadata): object {
  const { tokens, bosId, eosId, unknownId, paddingId, addsBos } = vocabulary
  const named = { bos_token: bosId, eos_token: eosId, unk_token: unknownId, pad_token: paddingId }
  const template = chatTemplate(metadata)
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    clean_up_tokenization_spaces: false,
    add_bos_token: addsBos,
    add_eos_token: false,
    ...Object.fromEntries(
      Object.entries(named).flatMap(([name, id]) => (id === undefined ? [] : [[name, tokens[id]]])),
    ),
    ...(template !== undefined && { chat_template: template }),
  }
}

/** One template, or several by name, as `tokenizer_config.json` has them. */
function chatTemplate(metadata: GgufMetadata): string | readonly object[] | undefined {
  const template = optionalTextOf(metadata, 'tokenizer.chat_template')
  if (metadata['tokenizer.chat_templates'] === undefined) return template
  const named = textsOf(metadata, 'tokenizer.chat_templates').map((name) => ({
    name,
    template: textOf(metadata, `tokenizer.chat_template.${name}`),
  }))
  return template === undefined ? named : [{ name: 'default', template }, ...named]
}
