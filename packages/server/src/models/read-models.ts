/** Reads the models folder: every manifest in it, as the graphs that the endpoint serves. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EdgewardError } from 'edgeward'
import type { LanguageModelConfig } from 'edgeward/generation'
import { parseManifest, type Graph, type Manifest, type ManifestFile, type VariantDtype } from 'edgeward/manifest'
import { endpointModelName } from 'edgeward/oip'
import { readLanguageModelConfig } from './language-model-config.js'
import { messageOf } from './message-of.js'

/** One graph of one model, under the name that clients ask for. */
export interface ServedGraph {
  /** `<id>` for a model whose one graph is named `model`, else `<id>.<graph>`. */
  readonly name: string
  /** The manifest's revision. */
  readonly revision: string
  readonly graph: Graph
  /** The graph's file and those of its external data, which ONNX Runtime finds from there. */
  readonly files: readonly [ServedFile, ...ServedFile[]]
}

/** A file of a model, and where it lies. */
export interface ServedFile extends Pick<ManifestFile, 'bytes' | 'sha256'> {
  readonly filePath: string
}

/** A language model, with the files that the endpoint needs of it. */
export interface LanguageModelFiles extends Pick<ServedGraph, 'name' | 'revision' | 'files'> {
  /** Of the variant that is served. */
  readonly dtype: VariantDtype
  readonly config: LanguageModelConfig
  readonly tokenizer?: ServedFile
  readonly tokenizerConfig?: ServedFile
}

/** A model that makes vectors of texts. */
export interface EmbeddingModelFiles {
  readonly manifest: Manifest
  /** By role. */
  readonly assets: ReadonlyMap<string, ServedFile>
}

/** What the models folder holds. */
export interface ModelsFolder {
  readonly graphs: readonly ServedGraph[]
  readonly languageModels: readonly LanguageModelFiles[]
  readonly embeddingModels: readonly EmbeddingModelFiles[]
  /** Every file that a manifest names, and the manifests, as paths below the folder with `/` between their segments. */
  readonly files: ReadonlySet<string>
}

/**
 * Reads each `<folder>/<id>/manifest.json`. Of each model, the first variant is served: the manifest's best.
 *
 * @throws {EdgewardError} `INVALID_OPTION` when the folder cannot be read or holds no manifest; `MANIFEST_INVALID` with
 *   the file and the wrong field.
 */
export async function readModelsFolder(folder: string): Promise<ModelsFolder> {
  const manifests = await readManifests(folder)
  if (manifests.length === 0) {
    throw new EdgewardError(
      'INVALID_OPTION',
      `the models folder ${folder} holds no model: <id>/manifest.json is missing`,
    )
  }
  const written = manifests.filter(({ task }) => task === 'text-generation')
  const graphs = manifests
    .filter(({ task }) => task !== 'text-generation')
    .flatMap((manifest) => servedGraphs(folder, manifest))
  const languageModels = written.map((manifest) => languageModelFiles(folder, manifest))
  refuseSameNames([...graphs, ...languageModels])
  const embeddingModels = manifests
    .filter(({ task }) => task === 'feature-extraction')
    .map((manifest) => ({ manifest, assets: assetsOf(folder, manifest) }))
  return { graphs, languageModels, embeddingModels, files: new Set(manifests.flatMap(filesOf)) }
}

async function readManifests(folder: string): Promise<Manifest[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new EdgewardError('INVALID_OPTION', `the models folder cannot be read: ${messageOf(cause)}`, { cause })
  })
  const ids = entries.filter((entry) => !entry.isFile() && !entry.name.startsWith('.')).map((entry) => entry.name)
  const manifests = await Promise.all(ids.sort().map((id) => readManifest(folder, id)))
  return manifests.filter((manifest) => manifest !== undefined)
}

/** The manifest of one folder; undefined where there is none, as while the packing tool is at work. */
async function readManifest(folder: string, id: string): Promise<Manifest | undefined> {
  const path = join(folder, id, 'manifest.json')
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')) return
    throw new EdgewardError('MANIFEST_INVALID', `${path} cannot be read: ${messageOf(cause)}`, { cause })
  })
  if (text === undefined) return
  const manifest = parseManifest(parseJson(text, path), path)
  if (manifest.id === id) return manifest
  throw new EdgewardError('MANIFEST_INVALID', `${path}: id is "${manifest.id}", should be the folder's name, "${id}"`)
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new EdgewardError('MANIFEST_INVALID', `${path} is not JSON: ${messageOf(cause)}`, { cause })
  }
}

/** What native ONNX Runtime computes as it is meant, best first: it saturates int8, and has no half precision. */
const nativeDtypes: readonly VariantDtype[] = ['q8', 'fp32']

/** The variant that computes best here; whatever comes first where there is none of those. */
function languageModelFiles(folder: string, manifest: Manifest): LanguageModelFiles {
  const { id, revision, variants, config } = manifest
  const [best] = nativeDtypes.flatMap((dtype) => variants.filter((variant) => variant.dtype === dtype))
  const { dtype, graphs } = best ?? variants[0]
  const graph = graphs['model']
  const where = join(folder, id, 'manifest.json')
  if (graph === undefined)
    throw new EdgewardError('MANIFEST_INVALID', `${where}: a language model has one graph, "model"`)
  const assets = assetsOf(folder, manifest)
  const tokenizer = assets.get('tokenizer')
  const tokenizerConfig = assets.get('tokenizerConfig')
  return {
    name: id,
    revision,
    dtype,
    files: [
      servedFile(folder, id, graph.file),
      ...(graph.externalData ?? []).map((file) => servedFile(folder, id, file)),
    ],
    config: readLanguageModelConfig(config, where),
    ...(tokenizer && { tokenizer }),
    ...(tokenizerConfig && { tokenizerConfig }),
  }
}

function assetsOf(folder: string, { id, assets }: Manifest): ReadonlyMap<string, ServedFile> {
  return new Map(Object.entries(assets).map(([role, file]) => [role, servedFile(folder, id, file)]))
}

function servedFile(folder: string, id: string, { path, bytes, sha256 }: ManifestFile): ServedFile {
  return { filePath: join(folder, id, path), bytes, sha256 }
}

function servedGraphs(folder: string, manifest: Manifest): ServedGraph[] {
  const served = (file: ManifestFile) => servedFile(folder, manifest.id, file)
  return Object.entries(manifest.variants[0].graphs).map(([graphName, graph]) => ({
    name: endpointModelName(manifest, graphName),
    revision: manifest.revision,
    graph,
    files: [served(graph.file), ...(graph.externalData ?? []).map(served)],
  }))
}

/** `a.b` may be the graph `b` of the model `a`, and a model's id too. */
function refuseSameNames(graphs: readonly Pick<ServedGraph, 'name'>[]): void {
  const names = new Set<string>()
  for (const { name } of graphs) {
    if (names.has(name)) {
      throw new EdgewardError('MANIFEST_INVALID', `two models would both be served as "${name}": rename one of them`)
    }
    names.add(name)
  }
}

function filesOf({ id, assets, variants }: Manifest): string[] {
  const graphs = variants.flatMap((variant) => Object.values(variant.graphs))
  const files = [...Object.values(assets), ...graphs.flatMap(({ file, externalData = [] }) => [file, ...externalData])]
  return [`${id}/manifest.json`, ...files.map((file) => `${id}/${file.path}`)]
}
