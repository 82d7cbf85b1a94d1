/** What the benchmark of text generation feeds its sides with: the model in each one's form, and prompts of exact lengths. */
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Tokenizer } from '@huggingface/tokenizers'
import { buildLlama, ggufTokenizer, languageModelConfig, readGguf } from 'edgeward/generation'
import { fromRoot } from '../../../scripts/lib/root.mjs'

/** @typedef {{ ids: number[], text: string }} Prompt the same twice: not every side takes token ids */

const maxContext = 2048
const file = fromRoot('.models', 'smollm2-135m-instruct', 'model.gguf')

/**
 * Runs `use` with a folder as Transformers.js reads models: the GGUF's weights as fp32, in a graph with GroupQueryAttention, as
 * the ecosystem ships them.
 *
 * @template T
 * @param {(folder: string) => Promise<T>} use
 * @returns {Promise<T>}
 */
export async function withTransformersModel(use) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'edgeward-bench-model-'))
  try {
    await writeTransformersModel(folder)
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Makes prompts of so many tokens of English text; each begins elsewhere, so that none begins as another does.
 *
 * @returns {Promise<(tokens: number, index: number) => Prompt>}
 */
export async function readPrompts() {
  const { tokenizer, config } = ggufTokenizer((await readModel()).gguf.metadata)
  const tokens = new Tokenizer(tokenizer, config)
  const text = (await readFile(fromRoot('LICENSE'), 'utf8')).replaceAll(/\s+/g, ' ')
  const { ids } = tokens.encode(text, { add_special_tokens: false })
  return (count, index) => {
    // From one that begins a word: the text of the others is not cut into the same tokens again.
    for (let start = 7 + index * 61; start + count <= ids.length; start += 1) {
      const own = ids.slice(start, start + count)
      const shown = tokens.decode(own)
      if (tokens.encode(shown, { add_special_tokens: false }).ids.join() === own.join())
        return { ids: own, text: shown }
    }
    throw new Error(`the text is too short for ${count} tokens`)
  }
}

async function readModel() {
  const bytes = await readFile(file)
  return { bytes, gguf: await readGguf(async (start, end) => bytes.subarray(start, end), bytes.length) }
}

/** @param {string} folder */
async function writeTransformersModel(folder) {
  const { bytes, gguf } = await readModel()
  const attention = /** @type {const} */ ('GroupQueryAttention')
  const built = buildLlama(gguf, { dtype: 'fp32', attention, externalPath: 'model.onnx_data', maxContext })
  await mkdir(path.join(folder, 'onnx'))
  await writeFile(path.join(folder, 'config.json'), JSON.stringify(transformersConfig(gguf)))
  await writeFile(path.join(folder, 'onnx', 'model.onnx'), built.graph)
  const weights = await open(path.join(folder, 'onnx', 'model.onnx_data'), 'w')
  try {
    for (const { offset, make } of built.weights) {
      const made = make((tensor) => bytes.subarray(tensor.offset, tensor.offset + tensor.bytes))
      await weights.write(made, 0, made.length, offset)
    }
    await weights.truncate(built.externalBytes)
  } finally {
    await weights.close()
  }
}

/** @param {import('edgeward/generation').GgufFile} gguf */
function transformersConfig(gguf) {
  const { vocabularySize, layers, kvHeads, headSize, eosTokenIds } = languageModelConfig(gguf)
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: vocabularySize,
    num_hidden_layers: layers,
    num_key_value_heads: kvHeads,
    num_attention_heads: gguf.metadata['llama.attention.head_count'],
    head_dim: headSize,
    hidden_size: gguf.metadata['llama.embedding_length'],
    max_position_embeddings: maxContext,
    eos_token_id: eosTokenIds[0],
  }
}
