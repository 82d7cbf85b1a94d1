/** Reads how a repository turns token vectors into one: sentence-transformers' files, as they lie on Hugging Face's hub. */
import { EdgewardError } from '../errors/index.js'
import { fieldOf } from './hub-answers.js'
import type { Repository } from './repository-layout.js'

/** JSON of somebody else: whatever is read of it is checked. */
export type RepositoryJson = Readonly<Record<string, unknown>> | readonly unknown[]

/** The settings of `feature-extraction`. */
export interface EmbeddingSettings {
  readonly pooling: 'mean' | 'cls'
  readonly normalize: boolean
  readonly maxTokens: number
}

/**
 * The settings, or undefined for a repository that does not say how: a wrong guess gives wrong vectors without an error.
 * `modules.json` says it; without it, a model that was made from one of the organisation sentence-transformers takes the
 * mean, as all of these do in their examples.
 *
 * @throws {EdgewardError} `MANIFEST_INVALID` for a pooling or a module that Edgeward does not have.
 */
export async function embeddingSettings(repository: Repository): Promise<EmbeddingSettings | undefined> {
  if (!repository.files.some(({ path }) => path === 'tokenizer.json')) return undefined
  const pooling = (await fromModules(repository)) ?? (await fromOrigin(repository))
  return pooling && { ...pooling, maxTokens: await maxTokensOf(repository) }
}

type Pooling = Pick<EmbeddingSettings, 'pooling' | 'normalize'>

async function fromModules(repository: Repository): Promise<Pooling | undefined> {
  const modules = await repository.readJson('modules.json')
  if (modules === undefined) return undefined
  const kinds = (Array.isArray(modules) ? modules : []).map((module: unknown) => ({
    kind: textOf(module, 'type')?.split('.').at(-1) ?? '',
    path: textOf(module, 'path') ?? '',
  }))
  const other = kinds.find(({ kind }) => !['Transformer', 'Pooling', 'Normalize'].includes(kind))
  if (other) {
    throw unknown(repository, `modules.json names the module "${other.kind}"`, 'Transformer, Pooling and Normalize')
  }
  const at = kinds.find(({ kind }) => kind === 'Pooling')
  if (!at) throw unknown(repository, 'modules.json names no Pooling', 'a Pooling of mean or cls')
  const config = await repository.readJson(`${at.path}/config.json`)
  return { pooling: poolingOf(repository, config), normalize: kinds.some(({ kind }) => kind === 'Normalize') }
}

function poolingOf(repository: Repository, config: RepositoryJson | undefined): 'mean' | 'cls' {
  const modes = Object.entries(config ?? {}).flatMap(([key, value]) =>
    key.startsWith('pooling_mode_') && value === true ? [key] : [],
  )
  if (String(modes) === 'pooling_mode_mean_tokens') return 'mean'
  if (String(modes) === 'pooling_mode_cls_token') return 'cls'
  const found = modes.join(' and ') || 'no pooling_mode'
  throw unknown(repository, `the config.json of its Pooling says ${found}`, 'pooling_mode_mean_tokens or _cls_token')
}

async function fromOrigin(repository: Repository): Promise<Pooling | undefined> {
  const origin = textOf(await repository.readJson('config.json'), '_name_or_path')
  return origin?.startsWith('sentence-transformers/') ? { pooling: 'mean', normalize: true } : undefined
}

async function maxTokensOf(repository: Repository): Promise<number> {
  const stated = countOf(await repository.readJson('sentence_bert_config.json'), 'max_seq_length')
  if (stated !== undefined) return stated
  const limits = [
    // Tokenizers without a limit say 10³⁰.
    countOf(await repository.readJson('tokenizer_config.json'), 'model_max_length'),
    countOf(await repository.readJson('config.json'), 'max_position_embeddings'),
  ].filter((limit) => limit !== undefined)
  if (limits.length > 0) return Math.min(...limits)
  throw unknown(repository, 'nothing says how many tokens it reads', 'sentence_bert_config.json with max_seq_length')
}

function textOf(json: unknown, key: string): string | undefined {
  const value = fieldOf(json, key)
  return typeof value === 'string' ? value : undefined
}

function countOf(json: unknown, key: string): number | undefined {
  const value = fieldOf(json, key)
  return Number.isSafeInteger(value) ? (value as number) : undefined
}

function unknown({ id }: Repository, found: string, right: string): EdgewardError {
  const message = `${id}: ${found}, and feature-extraction without a manifest knows ${right}.`
  return new EdgewardError('MANIFEST_INVALID', message, { details: { model: id } })
}
