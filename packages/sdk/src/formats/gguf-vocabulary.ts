/** The tokens of a GGUF, whatever splits texts into them. */
import { damaged, unsupported } from './gguf-errors.js'
import { numbersOf, optionalFlagOf, optionalNumberOf, optionalTextOf, textOf, textsOf } from './gguf-metadata.js'
import type { GgufMetadata } from './gguf-types.js'

/** As ggml names it: byte-level BPE, or SentencePiece's BPE. */
export type TokenizerModel = 'gpt2' | 'llama'

export interface GgufVocabulary {
  readonly model: TokenizerModel
  /** Whose way of splitting a text into words it is; only of `gpt2`. */
  readonly preTokenizer: string
  /** By id. */
  readonly tokens: readonly string[]
  /** `llama_token_type` by id: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte. */
  readonly kinds: readonly number[]
  readonly bosId: number | undefined
  readonly eosId: number | undefined
  readonly unknownId: number | undefined
  readonly paddingId: number | undefined
  /** Whether a text that is no chat begins with BOS. */
  readonly addsBos: boolean
}

export const tokenKinds = Object.freeze({ normal: 1, unknown: 2, control: 3, userDefined: 4 })

/** Of Llama 3: BOS is added where the file does not say. */
export const llama3PreTokenizers: readonly string[] = ['llama-bpe', 'llama3', 'llama-v3']

/** @throws {EdgewardError} `MODEL_UNSUPPORTED` for a tokenizer of another kind, `MANIFEST_INVALID` for one that is damaged. */
export function readVocabulary(metadata: GgufMetadata): GgufVocabulary {
  const model = textOf(metadata, 'tokenizer.ggml.model')
  if (model !== 'gpt2' && model !== 'llama') {
    throw unsupported(
      `its tokenizer is of the kind "${model}"; one of "gpt2" (byte-level BPE) or "llama" (SentencePiece) could be`,
      { tokenizer: model },
    )
  }
  const tokens = textsOf(metadata, 'tokenizer.ggml.tokens')
  const hasKinds = metadata['tokenizer.ggml.token_type'] !== undefined
  const preTokenizer = optionalTextOf(metadata, 'tokenizer.ggml.pre') ?? 'default'
  const bosId = tokenId(metadata, 'bos', tokens)
  const addsBos = optionalFlagOf(metadata, 'tokenizer.ggml.add_bos_token')
  return {
    model,
    preTokenizer,
    tokens,
    kinds: hasKinds
      ? numbersOf(metadata, 'tokenizer.ggml.token_type', tokens.length)
      : tokens.map(() => tokenKinds.normal),
    bosId,
    eosId: tokenId(metadata, 'eos', tokens),
    unknownId: tokenId(metadata, 'unknown', tokens),
    paddingId: tokenId(metadata, 'padding', tokens),
    addsBos: bosId !== undefined && (addsBos ?? (model === 'llama' || llama3PreTokenizers.includes(preTokenizer))),
  }
}

/** The id of the token that metadata has for a purpose, such as `eos`. */
export function tokenId(metadata: GgufMetadata, purpose: string, tokens: readonly string[]): number | undefined {
  const key = `tokenizer.ggml.${purpose}_token_id`
  const id = optionalNumberOf(metadata, key)
  if (id === undefined || tokens[id] !== undefined) return id
  throw damaged(`its ${key} is ${id}, of ${tokens.length} tokens`, { key })
}
