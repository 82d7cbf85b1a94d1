/** Reads a repository that has no manifest, in the layout of Hugging Face's hub; pure but for the files it is handed. */
import type { Backend, Manifest, ManifestFile, Variant, VariantDtype } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { fieldOf } from './hub-answers.js'
import { isPlainPath } from './manifest-schema.js'
import type { ModelDrafts } from './model-drafts.js'
import { embeddingSettings, type RepositoryJson } from './sentence-settings.js'

/** A file as a listing tells of it. */
export interface ListedFile {
  readonly path: string
  readonly bytes: number
  /** SHA-256 of the whole file, lower-case hex, where it is told. */
  readonly sha256?: string
}

/** A repository, or a folder in its layout. */
export interface Repository {
  /** The model's id, such as `hf:organisation/repository`. */
  readonly id: string
  readonly revision: string
  readonly licence?: string
  /** The name that it was asked for by, where that is not its id. */
  readonly askedFor?: string
  readonly files: readonly ListedFile[]
  /** The JSON in a file; undefined when there is no such file. */
  readJson(path: string): Promise<RepositoryJson | undefined>
}

/** Large enough for few requests, small enough for a record of the database; the packing tool's default too. */
export const draftChunkBytes = 4 * 1024 * 1024

/** How the layout names builds, best first, and the backends that each is good on (see the design). */
const builds: readonly { dtype: VariantDtype; suffix: string; backends: readonly Backend[] }[] = [
  { dtype: 'q8', suffix: '_quantized', backends: ['wasm'] },
  { dtype: 'int8', suffix: '_int8', backends: ['wasm'] },
  { dtype: 'q4f16', suffix: '_q4f16', backends: ['webgpu'] },
  { dtype: 'q4', suffix: '_q4', backends: ['webgpu'] },
  { dtype: 'fp16', suffix: '_fp16', backends: ['webgpu'] },
  { dtype: 'fp32', suffix: '', backends: ['webgpu', 'wasm'] },
]

/**
 * The manifest of a repository, as far as it can be told without its files: digests of chunks, and of files whose SHA-256
 * the listing does not have, are empty, and so are the inputs and outputs of graphs.
 *
 * @param drafts - without them, a language model is one of tensors
 * @throws {EdgewardError} `MANIFEST_NOT_FOUND` when there is no ONNX model, `MANIFEST_INVALID` when it is one that cannot
 *   be run without a manifest.
 */
export async function draftManifest(
  repository: Repository,
  drafts?: Pick<ModelDrafts, 'languageModel'>,
): Promise<Manifest> {
  const variants = variantsOf(repository)
  return {
    schemaVersion: 1,
    id: repository.id,
    revision: repository.revision,
    ...(await taskOf(repository, drafts)),
    licence: repository.licence ?? 'NOASSERTION',
    chunkBytes: draftChunkBytes,
    variants,
    provenance: repository.askedFor ? [{ file: '', source: repository.askedFor, sha256: '' }] : [],
    packedBy: 'edgeward (read from the repository)',
  }
}

async function taskOf(
  repository: Repository,
  drafts: Pick<ModelDrafts, 'languageModel'> | undefined,
): Promise<Pick<Manifest, 'task' | 'assets' | 'config'>> {
  if (drafts && (await isLanguageModel(repository))) {
    return { task: 'text-generation', ...(await drafts.languageModel(repository)) }
  }
  const settings = await embeddingSettings(repository)
  if (!settings) return { task: 'tensors', assets: {}, config: {} }
  const assets = {
    tokenizer: asset(repository, 'tokenizer.json'),
    tokenizerConfig: asset(repository, 'tokenizer_config.json'),
  }
  return { task: 'feature-extraction', assets, config: { ...settings } }
}

/** Whether its config.json names a model that continues texts; only such have a generation_config.json. */
async function isLanguageModel({ files, readJson }: Repository): Promise<boolean> {
  if (!files.some(({ path }) => path === 'generation_config.json')) return false
  const architectures = fieldOf(await readJson('config.json'), 'architectures')
  return Array.isArray(architectures) && architectures.some((name) => String(name).endsWith('ForCausalLM'))
}

/** A file whose chunks' digests nobody has told. */
export function draftFile({ path, bytes, sha256 = '' }: ListedFile): ManifestFile {
  return { path, bytes, sha256, chunks: Array.from({ length: Math.ceil(bytes / draftChunkBytes) }, () => '') }
}

function variantsOf(repository: Repository): readonly [Variant, ...Variant[]] {
  const { files } = repository
  const graphs = files.filter(({ path }) => path.endsWith('.onnx') && isPlainPath(path))
  const known = ['onnx/', ''].flatMap((folder) =>
    builds.flatMap(({ dtype, suffix, backends }) => {
      const graph = graphs.find(({ path }) => path === `${folder}model${suffix}.onnx`)
      return graph ? [variantOf(graph, files, dtype, backends)] : []
    }),
  )
  const [best, ...others] = known.filter(({ dtype }, at) => known.findIndex((other) => other.dtype === dtype) === at)
  if (best) return [best, ...others]
  const [only, another] = graphs
  if (only && !another) return [variantOf(only, files, dtypeOf(only), ['wasm', 'webgpu'])]
  throw noModel(repository, graphs)
}

/** What the file's name says. */
function dtypeOf({ path }: ListedFile): VariantDtype {
  const named = builds.find(({ dtype, suffix }) =>
    [`${suffix}.onnx`, `_${dtype}.onnx`].some((end) => path.endsWith(end)),
  )
  return named?.dtype ?? 'fp32'
}

function variantOf(
  graph: ListedFile,
  files: readonly ListedFile[],
  dtype: VariantDtype,
  backends: readonly Backend[],
): Variant {
  const data = files.filter(({ path }) => path.startsWith(`${graph.path}_data`) && isPlainPath(path))
  const externalData = data.length > 0 ? { externalData: data.map(draftFile) } : {}
  return { dtype, backends, graphs: { model: { file: draftFile(graph), ...externalData, inputs: [], outputs: [] } } }
}

function asset({ id, files }: Repository, path: string): ManifestFile {
  const found = files.find((file) => file.path === path)
  if (found) return draftFile(found)
  throw new EdgewardError('MANIFEST_INVALID', `${id} has no ${path}, which feature-extraction cannot do without.`)
}

function noModel({ id }: Repository, graphs: readonly ListedFile[]): EdgewardError {
  const right = `expected onnx/model.onnx, or one of ${builds.map(({ suffix }) => `onnx/model${suffix}.onnx`).join(', ')}`
  if (graphs.length === 0) return new EdgewardError('MANIFEST_NOT_FOUND', `${id} has no ONNX model: ${right}.`)
  const found = graphs.map(({ path }) => path).join(', ')
  const message = `${id} has several graphs (${found}), and a model of several needs a manifest; without one: ${right}.`
  return new EdgewardError('MANIFEST_INVALID', message)
}
