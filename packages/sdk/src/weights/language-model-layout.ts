/** Reads a language model's settings from a repository in the layout of Transformers, as `onnx-community` has it; pure but for the files. */
import type { LanguageModelConfig, Manifest } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { fieldOf } from './hub-answers.js'
import { draftFile, type Repository } from './repository-layout.js'

/**
 * The `config` and assets of the task text-generation.
 *
 * @throws {EdgewardError} `MANIFEST_INVALID` where a number is missing, or the tokenizer.
 */
export async function languageModelLayout(repository: Repository): Promise<Pick<Manifest, 'assets' | 'config'>> {
  const json = (path: string) => repository.readJson(path)
  const [config, generation, tokenizer] = await Promise.all(
    ['config.json', 'generation_config.json', 'tokenizer_config.json'].map(json),
  )
  // Models that read pictures too keep it apart.
  const text = fieldOf(config, 'text_config') ?? config
  const count = (keys: readonly string[]) => keys.map((key) => fieldOf(text, key)).find(isCount)
  const required = (keys: readonly string[]) => count(keys) ?? missing(repository, keys.join(' or '))
  const heads = required(['num_attention_heads', 'n_head'])
  const headSize = count(['head_dim']) ?? required(['hidden_size', 'n_embd']) / heads
  const bosTokenId = [generation, text].map((from) => fieldOf(from, 'bos_token_id')).find(isCount)
  const architecture = fieldOf(text, 'model_type')
  const settings: LanguageModelConfig = {
    architecture: typeof architecture === 'string' ? architecture : '',
    vocabularySize: required(['vocab_size']),
    contextLength: required(['max_position_embeddings', 'n_positions']),
    layers: required(['num_hidden_layers', 'n_layer']),
    kvHeads: count(['num_key_value_heads']) ?? heads,
    headSize,
    eosTokenIds: [...new Set([generation, text].flatMap((from) => fieldOf(from, 'eos_token_id')).filter(isCount))],
    ...(bosTokenId !== undefined && { bosTokenId }),
    ...(fieldOf(tokenizer, 'add_bos_token') === true && { addsBos: true }),
  }
  return { config: { ...settings }, assets: assetsOf(repository) }
}

function assetsOf(repository: Repository): Manifest['assets'] {
  const file = (path: string) => repository.files.find((listed) => listed.path === path)
  const tokenizer = file('tokenizer.json')
  const optional = { tokenizerConfig: file('tokenizer_config.json'), chatTemplate: file('chat_template.jinja') }
  if (!tokenizer)
    throw new EdgewardError(
      'MANIFEST_INVALID',
      `${repository.id} has no tokenizer.json, which text-generation cannot do without.`,
    )
  const found = Object.entries({ tokenizer, ...optional }).flatMap(([role, listed]) =>
    listed ? [[role, draftFile(listed)] as const] : [],
  )
  return Object.fromEntries(found)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function missing({ id }: Repository, key: string): never {
  const message = `${id}: its config.json has no ${key}, which text-generation cannot do without.`
  throw new EdgewardError('MANIFEST_INVALID', message, { details: { model: id } })
}
