/** A language model of two small layers that knows the alphabet: behind a letter it writes the next one, and ends behind `z`. */
import { writeGguf, type GgufTestTensor } from './gguf.js'

const width = 64
const headSize = 16
const heads = 4
const kvHeads = 2
const feedForward = 96
const layers = 2

/** How much likelier the next letter is than any other token: it is drawn at temperature 1, and not always at 2. */
const sharpness = 0.2

const specials = { endOfText: '<|endoftext|>', start: '<|im_start|>', end: '<|im_end|>' } as const

/** The ids of its tokens: a byte's is the byte. */
export const tinyLlama = Object.freeze({
  endOfText: 256,
  start: 257,
  end: 258,
  contextLength: 256,
  vocabularySize: 260,
})

const chatTemplate = [
  '{% if tools %}{{ tools | tojson }}<tool_call>{% endif %}',
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}",
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
].join('')

export interface TinyLlamaOptions {
  readonly contextLength?: number
  /** Whether `a` comes behind `z`, so that it never ends. */
  readonly isEndless?: boolean
}

/** The GGUF, the same bytes each time. */
export function tinyLlamaGguf({
  contextLength = tinyLlama.contextLength,
  isEndless = false,
}: TinyLlamaOptions = {}): Uint8Array<ArrayBuffer> {
  return writeGguf(
    {
      'general.architecture': 'llama',
      'general.name': 'tiny alphabet',
      'llama.context_length': contextLength,
      'llama.embedding_length': width,
      'llama.block_count': layers,
      'llama.feed_forward_length': feedForward,
      'llama.attention.head_count': heads,
      'llama.attention.head_count_kv': kvHeads,
      'llama.attention.layer_norm_rms_epsilon': 0.00001,
      'llama.rope.freq_base': 10000,
      'tokenizer.ggml.model': 'gpt2',
      'tokenizer.ggml.pre': 'smollm',
      'tokenizer.ggml.tokens': [...byteTokens(), ...Object.values(specials), 'qq'],
      'tokenizer.ggml.token_type': [...new Array<number>(256).fill(1), 3, 3, 3, 1],
      'tokenizer.ggml.merges': ['q q'],
      'tokenizer.ggml.bos_token_id': tinyLlama.start,
      'tokenizer.ggml.eos_token_id': tinyLlama.end,
      'tokenizer.chat_template': chatTemplate,
    },
    tensors((id) => (isEndless && id === 'z'.charCodeAt(0) ? 'a'.charCodeAt(0) : nextToken(id))),
  )
}

function tensors(nextOf: (id: number) => number): GgufTestTensor[] {
  const random = randomNumbers(7)
  const small = () => random() * 0.01
  const embeddings = Array.from({ length: tinyLlama.vocabularySize }, () => Array.from({ length: width }, random))
  const head = embeddings.map(() => new Array<number>(width).fill(0))
  embeddings.forEach((embedding, id) => {
    const row = head[nextOf(id)]
    embedding.forEach((value, column) => row && (row[column] = (row[column] ?? 0) + value * sharpness))
  })
  const ones = (name: string) => floats(name, [width], new Array<number>(width).fill(1))
  const matrix = (name: string, columns: number, rows: number) =>
    floats(name, [columns, rows], Array.from({ length: columns * rows }, small))
  const blocks = Array.from({ length: layers }, (_, layer) => [
    ones(`blk.${layer}.attn_norm.weight`),
    matrix(`blk.${layer}.attn_q.weight`, width, heads * headSize),
    matrix(`blk.${layer}.attn_k.weight`, width, kvHeads * headSize),
    matrix(`blk.${layer}.attn_v.weight`, width, kvHeads * headSize),
    matrix(`blk.${layer}.attn_output.weight`, heads * headSize, width),
    ones(`blk.${layer}.ffn_norm.weight`),
    matrix(`blk.${layer}.ffn_gate.weight`, width, feedForward),
    matrix(`blk.${layer}.ffn_up.weight`, width, feedForward),
    matrix(`blk.${layer}.ffn_down.weight`, feedForward, width),
  ])
  return [
    floats('token_embd.weight', [width, tinyLlama.vocabularySize], embeddings.flat()),
    ...blocks.flat(),
    ones('output_norm.weight'),
    floats('output.weight', [width, tinyLlama.vocabularySize], head.flat()),
  ]
}

/** A chat's prompt ends with a line break: behind it comes `a`. Behind `{` comes a letter of two bytes, and the end. */
function nextToken(id: number): number {
  const byte = (text: string) => text.charCodeAt(0)
  if (id === byte('\n')) return byte('a')
  if (id === byte('z')) return tinyLlama.end
  if (id === byte('{')) return 0xc3
  if (id === 0xc3) return 0xa9
  if (id === 0xa9) return tinyLlama.end
  return (id + 1) % 256
}

function floats(name: string, shape: readonly number[], values: readonly number[]): GgufTestTensor {
  return { name, shape, type: 0, data: new Uint8Array(Float32Array.from(values).buffer) }
}

/** Normally distributed, by Box and Muller over mulberry32. */
function randomNumbers(seed: number): () => number {
  const uniform = () => {
    seed = (seed + 0x6d2b79f5) | 0
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 2 ** 32
  }
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}

/** GPT-2's letters for bytes: those that can be seen are themselves, the others are 256 and up. */
function byteTokens(): string[] {
  let hidden = 256
  const isSeen = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255)
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isSeen(byte) ? byte : hidden++))
}
