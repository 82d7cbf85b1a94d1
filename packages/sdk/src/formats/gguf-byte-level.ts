/** What of a tokenizer.json is peculiar to byte-level BPE, as of GPT-2. */
import { damaged, unsupported } from './gguf-errors.js'
import { textsOf } from './gguf-metadata.js'
import type { GgufMetadata } from './gguf-types.js'
import { llama3PreTokenizers, type GgufVocabulary } from './gguf-vocabulary.js'

/** @throws {EdgewardError} `MODEL_UNSUPPORTED` for words that are split in another way, `MANIFEST_INVALID` for broken merges. */
export function byteLevelParts(vocabulary: GgufVocabulary, metadata: GgufMetadata): object {
  return {
    // Qwen's own tokenizer.json composes characters (NFC) first; llama.cpp, whose ids these are, does not.
    normalizer: null,
    pre_tokenizer: preTokenizer(vocabulary.preTokenizer),
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: llama3PreTokenizers.includes(vocabulary.preTokenizer),
      vocab: Object.fromEntries(vocabulary.tokens.map((token, id) => [token, id])),
      merges: textsOf(metadata, 'tokenizer.ggml.merges').map(splitMerge),
    },
  }
}

const words = {
  gpt2: String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)`,
  /** Llama 3 with numbers of up to three digits, Qwen with single ones. */
  llama3: (digits: string) =>
    String.raw`(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|` +
    String.raw`${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
}
const llama3Words = [words.llama3(String.raw`\p{N}{1,3}`)]
const qwen2Words = [words.llama3(String.raw`\p{N}`)]

/**
 * How texts are split into words, by `tokenizer.ggml.pre`: each pattern splits what the ones before it left
 * (`llm_tokenizer_bpe` of llama.cpp's `llama-vocab.cpp`).
 */
const wordPatterns: ReadonlyMap<string, readonly string[]> = new Map([
  ['default', [String.raw`[\p{P}\$\+<=>\^~\|]+`, words.gpt2, String.raw`\p{N}+`, '[0-9][0-9][0-9]']],
  ['gpt-2', [words.gpt2]],
  ['smollm', [String.raw`\p{N}`, words.gpt2]],
  ['qwen2', qwen2Words],
  ['deepseek-r1-qwen', qwen2Words],
  ...llama3PreTokenizers.map((name): [string, readonly string[]] => [name, llama3Words]),
])

/** Not `Digits`, which in JavaScript misses ½, Ⅷ and ²; nor `ByteLevel`'s own pattern, whose `\s` is JavaScript's. */
function preTokenizer(name: string): object {
  const patterns = wordPatterns.get(name)
  if (!patterns) {
    const known = [...wordPatterns.keys()]
    throw unsupported(
      `its texts are split into words as those of "${name}" are (tokenizer.ggml.pre); as those of ${known.join(', ')} they could be`,
      { preTokenizer: name, known },
    )
  }
  const splits = patterns.map((Regex) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false }))
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }
  return { type: 'Sequence', pretokenizers: [...splits, bytes] }
}

function splitMerge(merge: string, rank: number): readonly [string, string] {
  const space = merge.indexOf(' ', 1)
  if (space > 0 && space < merge.length - 1) return [merge.slice(0, space), merge.slice(space + 1)]
  const key = 'tokenizer.ggml.merges'
  throw damaged(`number ${rank} of its ${key} has no two parts`, { key, rank })
}
