/** What of a tokenizer.json is peculiar to SentencePiece's BPE, as of Llama 2 and Gemma. */
import { numbersOf, optionalFlagOf } from './gguf-metadata.js'
import type { GgufMetadata } from './gguf-types.js'
import type { GgufVocabulary } from './gguf-vocabulary.js'

/** How SentencePiece writes a space. */
const space = '\u2581'

/** @throws {EdgewardError} `MANIFEST_INVALID` where the scores of its tokens are missing. */
export function sentencePieceParts(vocabulary: GgufVocabulary, metadata: GgufMetadata): object {
  const scores = numbersOf(metadata, 'tokenizer.ggml.scores', vocabulary.tokens.length)
  const prefixesSpace = optionalFlagOf(metadata, 'tokenizer.ggml.add_space_prefix') ?? true
  const writeSpaces = { type: 'Replace', pattern: { String: ' ' }, content: space }
  const readSpaces = { type: 'Replace', pattern: { String: space }, content: ' ' }
  const stripPrefix = { type: 'Strip', content: ' ', start: 1, stop: 0 }
  return {
    normalizer: prefixesSpace
      ? { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: space }, writeSpaces] }
      : writeSpaces,
    pre_tokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [readSpaces, { type: 'ByteFallback' }, { type: 'Fuse' }, ...(prefixesSpace ? [stripPrefix] : [])],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: vocabulary.tokens[vocabulary.unknownId ?? 0] ?? null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: Object.fromEntries(vocabulary.tokens.map((token, id) => [token, id])),
      merges: mergesOf(vocabulary.tokens, scores),
    },
  }
}

/**
 * SentencePiece merges whatever makes a token, the one with the highest score first. As pairs, in that order, as
 * `generate_merges` of Hugging Face's `convert_slow_tokenizer.py` has them. Loops, since Gemma's vocabulary has two million pairs.
 */
function mergesOf(tokens: readonly string[], scores: readonly number[]): readonly (readonly [string, string])[] {
  const known = new Set(tokens)
  const merges: (readonly [string, string])[] = []
  const byScore = [...tokens.keys()].sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0))
  for (const id of byScore) {
    const token = tokens[id] ?? ''
    for (let at = token.length - 1; at > 0; at -= 1) {
      if (isWithinCharacter(token, at)) continue
      const [left, right] = [token.slice(0, at), token.slice(at)]
      if (known.has(left) && known.has(right)) merges.push([left, right])
    }
  }
  return merges
}

/** Whether `at` is between the two halves of a surrogate pair. */
function isWithinCharacter(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 0xdc00 && code <= 0xdfff
}
