/** Models whose files the user gives: `local:<name>`, read from memory or disk as if a server had them. */
import type { Manifest, ModelSource } from '../contract/index.js'
import { EdgewardError, messageOf } from '../errors/index.js'
import type { ModelName } from '../shared/index.js'
import { isPlainPath } from './manifest-schema.js'
import { parseManifest } from './manifest.js'
import { neededFiles } from './model-record.js'
import type { ModelDrafts } from './model-drafts.js'
import { heldUrl, type Network } from './network.js'
import { draftManifest, type Repository } from './repository-layout.js'
import type { RepositoryJson } from './sentence-settings.js'

/** What the page hands over: one ONNX file, files by their paths, or the folder that has them. */
type GivenFiles = Blob | FileSystemDirectoryHandle | Readonly<Record<string, Blob>>

interface GivenModel {
  /** The model's id, `local:<name>`. */
  readonly id: string
  /** Differs from any other time that files are given. */
  readonly revision: string
  readonly files: GivenFiles
}

type Files = ReadonlyMap<string, Blob>

const scheme = 'local:'
const manifestPath = 'manifest.json'
/** How deep a folder is looked into: a packed model and Hugging Face's layout need one less. */
const maxDepth = 3

/** Whether a model's files came from the user. */
export function isLocalModel(id: string): boolean {
  return id.startsWith(scheme)
}

/**
 * Takes the files of a model: a packed folder with its manifest, or Hugging Face's layout, or one ONNX file, or a GGUF. Nothing of
 * large files is read yet.
 *
 * @throws {EdgewardError} `INVALID_OPTION` for a name that cannot be one, `MANIFEST_INVALID`, `MANIFEST_NOT_FOUND`.
 */
export async function holdModel(
  network: Network,
  { id, revision, files: given }: GivenModel,
  drafts?: ModelDrafts,
): Promise<ModelSource> {
  if (!/^local:[A-Za-z0-9][\w.-]*$/.test(id)) {
    const right = 'letters, digits, ".", "_" and "-", beginning with a letter or a digit'
    const message = `The model ${JSON.stringify(id)} cannot have files added: expected local:<name>, the name of ${right}.`
    throw new EdgewardError('INVALID_OPTION', message, { details: { option: 'model', value: id } })
  }
  const files = await filesOf(given)
  const packed = files.get(manifestPath)
  const gguf = packed ? undefined : [...files.keys()].find((path) => path.endsWith('.gguf'))
  const manifest = packed
    ? await packedManifest(id, packed, files)
    : await unpackedManifest(id, revision, files, gguf, drafts)
  const source = { manifest, manifestUrl: heldUrl(id, gguf) }
  network.holdModel(id, files, source)
  return source
}

/** @throws {EdgewardError} `MANIFEST_NOT_FOUND` when nobody has given the files to this client. */
export function locateLocal({ id }: ModelName, network: Network): ModelSource {
  const source = network.heldModel(id)
  if (source) return source
  const message = `The files of ${JSON.stringify(id)} are not in the cache, and were not given to this client: add them with models.add(${JSON.stringify(id)}, files), again if the browser has dropped them.`
  throw new EdgewardError('MANIFEST_NOT_FOUND', message, { details: { model: id } })
}

async function filesOf(given: GivenFiles): Promise<Files> {
  if (given instanceof Blob) return new Map([[await graphName(given), given]])
  if (given instanceof FileSystemDirectoryHandle) return filesIn(given)
  return new Map(Object.entries(given).map(([path, file]) => [plain(path), file]))
}

/** A file's own name can say what build it is: `model_quantized.onnx`. */
async function graphName(file: Blob): Promise<string> {
  const kind = (await file.slice(0, 4).text()) === 'GGUF' ? '.gguf' : '.onnx'
  const name = file instanceof File ? file.name : ''
  return name.endsWith(kind) && isPlainPath(name) ? name : `model${kind}`
}

function plain(path: string): string {
  if (isPlainPath(path)) return path
  const message = `The file ${JSON.stringify(path)} has a path that a model's file cannot have; expected one like onnx/model.onnx, relative to the model's folder.`
  throw new EdgewardError('INVALID_OPTION', message, { details: { option: 'files', value: path } })
}

/** The files of a folder that a model can be made of; others, which may be many, are passed over. */
async function filesIn(folder: FileSystemDirectoryHandle, prefix = '', depth = 1): Promise<Files> {
  const found = new Map<string, Blob>()
  for await (const entry of (folder as IterableDirectory).values()) {
    const path = prefix + entry.name
    if (!isPlainPath(path) || entry.name.startsWith('.')) continue
    if (entry.kind === 'directory') {
      if (depth < maxDepth)
        for (const [inner, file] of await filesIn(entry, `${path}/`, depth + 1)) found.set(inner, file)
    } else if (/\.(?:onnx|gguf|json|jinja|txt|model|bin)$|\.onnx_data(?:_\d+)?$/.test(path))
      found.set(path, await entry.getFile())
  }
  return found
}

/** TypeScript's library for workers lacks the asynchronous iterators of the File System API. */
interface IterableDirectory {
  values(): AsyncIterable<FileSystemDirectoryHandle | FileSystemFileHandle>
}

/** The manifest under the id that the user chose, with the variants whose files are all there. */
async function packedManifest(id: string, packed: Blob, files: Files): Promise<Manifest> {
  const manifest = parseManifest(await jsonOf(packed, manifestPath), manifestPath)
  const isThere = ({ path, bytes }: { path: string; bytes: number }) => files.get(path)?.size === bytes
  const lacking = (dtype: Manifest['variants'][0]['dtype']) =>
    neededFiles(manifest, dtype).find((file) => !isThere(file))
  const [best, ...others] = manifest.variants.filter(({ dtype }) => !lacking(dtype))
  if (best) return { ...manifest, id, variants: [best, ...others] }
  const missing = lacking(manifest.variants[0].dtype)
  const there = files.get(missing?.path ?? '')
  const what = there ? `${there.size} bytes, should be ${missing?.bytes}` : 'not among the files'
  throw new EdgewardError('MANIFEST_INVALID', `${id}: ${missing?.path}, which its manifest.json names, is ${what}.`)
}

function unpackedManifest(
  id: string,
  revision: string,
  files: Files,
  path: string | undefined,
  drafts: ModelDrafts | undefined,
): Promise<Manifest> {
  const gguf = files.get(path ?? '')
  if (drafts && path !== undefined && gguf) {
    const read = async (start: number, end: number) => new Uint8Array(await gguf.slice(start, end).arrayBuffer())
    return drafts.gguf({ id, revision, path, bytes: gguf.size, read })
  }
  const repository: Repository = {
    id,
    revision,
    files: Array.from(files, ([path, { size: bytes }]) => ({ path, bytes })),
    readJson: async (path) => {
      const file = files.get(path)
      return file && ((await jsonOf(file, path)) as RepositoryJson)
    },
  }
  return draftManifest(repository, drafts)
}

async function jsonOf(file: Blob, path: string): Promise<object> {
  try {
    const json: unknown = JSON.parse(await file.text())
    if (typeof json === 'object' && json !== null) return json
    throw new SyntaxError('neither an object nor a list')
  } catch (cause) {
    throw new EdgewardError('MANIFEST_INVALID', `${path} is not the JSON that belongs there: ${messageOf(cause)}`, {
      cause,
    })
  }
}
