/** A tokenizer.json of a byte-level BPE in the small: all bytes, a few merges that also cut characters, and control tokens. */
const printable = (byte: number) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae

/** The character that spells each byte. */
const characters = (() => {
  let others = 0
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : 0x100 + others++))
})()
const spell = (bytes: Iterable<number>) => [...bytes].map((byte) => characters[byte]).join('')
const spellText = (text: string) => spell(new TextEncoder().encode(text))

const emoji = new TextEncoder().encode('😀')
const merges: [string, string][] = [
  ['t', 'h'],
  ['th', 'e'],
  [spellText(' '), 'the'],
  ['a', 'b'],
  ['ab', 'c'],
  // Tokens that begin and end in the middle of characters.
  [spell(emoji.slice(0, 1)), spell(emoji.slice(1, 2))],
  [spell(emoji.slice(2, 3)), spell(emoji.slice(3, 4))],
  [spellText('é').slice(1), 'a'],
]
const vocabulary = [...characters, ...merges.map(([left, right]) => left + right)]
const added = [
  { content: '<|end|>', special: true },
  { content: '<|start|>', special: true },
  { content: '<think>', special: false },
  { content: '</think>', special: false },
].map((token, at) => ({
  id: vocabulary.length + at,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  ...token,
}))

export const tinyTokenizerJson = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: added,
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
    merges,
  },
}

export const tinyTokenizerConfig = {
  eos_token: '<|end|>',
  bos_token: { content: '<|start|>' },
  chat_template:
    "{% for message in messages %}{{ '<|start|>' + message.role + '\\n' + message.content + '<|end|>\\n' }}{% endfor %}" +
    "{% if add_generation_prompt %}{{ '<|start|>assistant\\n' }}{% endif %}",
}

export const vocabularySize = vocabulary.length + added.length
export const eosId = vocabulary.length
export const startId = vocabulary.length + 1
/** Ids whose bytes are no control tokens'. */
export const plainIds = vocabulary.length
/** The bytes of a plain token. */
export const bytesOfPlain = (id: number): number[] =>
  Array.from(vocabulary[id] ?? '', (character) => characters.indexOf(character))
