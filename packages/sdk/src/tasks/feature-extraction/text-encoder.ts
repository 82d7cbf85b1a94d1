/** Turns texts into token ids with the model's own tokenizer. */
import { Tokenizer } from '@huggingface/tokenizers'
import type { TaskContext } from '../../contract/index.js'
import { manifestInvalid, readJson } from '../manifest-parts.js'

/** A text's token ids, special tokens included. */
export type TextEncoder = (text: string) => readonly number[]

/**
 * Builds the encoder from the assets `tokenizer` and `tokenizerConfig` (Hugging Face's tokenizer.json and
 * tokenizer_config.json). A tokenizer.json may bake in a truncation and padding of its own, which the library ignores:
 * a text is cut to `maxTokens` here, between its special tokens ([CLS] … [SEP]), and padded with its batch.
 */
export async function loadTextEncoder(
  context: Pick<TaskContext, 'manifest' | 'asset'>,
  maxTokens: number,
): Promise<TextEncoder> {
  const [json, config] = await Promise.all([readJson(context, 'tokenizer'), readJson(context, 'tokenizerConfig')])
  const tokenizer = createTokenizer(context, json, config)
  const bare = (text: string) => tokenizer.encode(text, { add_special_tokens: false }).ids
  const { prefix, suffix } = specialTokens(tokenizer.encode('a').ids, bare('a'))
  const room = maxTokens - prefix.length - suffix.length
  return (text) => [...prefix, ...bare(text).slice(0, room), ...suffix]
}

/** The part of `Tokenizer` that is used here: its own declarations import without extensions, so Node cannot see them. */
interface Encoder {
  encode(text: string, options?: { add_special_tokens?: boolean }): { readonly ids: readonly number[] }
}

function createTokenizer({ manifest }: Pick<TaskContext, 'manifest'>, json: object, config: object): Encoder {
  const Encoder = Tokenizer as new (json: object, config: object) => Encoder
  try {
    return new Encoder(json, config)
  } catch (cause) {
    throw manifestInvalid(manifest, 'has an asset "tokenizer" that no tokenizer can be made of', cause)
  }
}

/** What the tokenizer puts around a text, seen from the same text with and without it. */
function specialTokens(full: readonly number[], bare: readonly number[]) {
  const start = Math.max(0, full.indexOf(bare[0] ?? -1))
  return { prefix: full.slice(0, start), suffix: full.slice(start + bare.length) }
}
