/** Lists what a repository holds: by the hub's API, or file by file where a mirror has none. */
import { EdgewardError, isEdgewardError, messageOf } from '../errors/index.js'
import { describeAnswer, isHtml, request, type Fetch, type HttpAnswer } from './http.js'
import { fieldOf, fileOfHeaders, licenceOf, listedFile, nextPage, type SeenFile } from './hub-answers.js'
import type { ListedFile } from './repository-layout.js'
import { weightsDefaults } from './settings.js'
import { sha256Hex } from './verify.js'

/** What lists a repository, and how it is asked. */
export interface HubRequest {
  /** The hub's address, without a slash at its end. */
  readonly baseUrl: string
  /** `organisation/repository`. */
  readonly repository: string
  /** A branch, a tag or a commit. */
  readonly revision: string
  readonly fetch: Fetch
  readonly signal: AbortSignal
}

export interface HubListing {
  /** The commit; where none is told, a digest of what tells one state of the files from another. */
  readonly revision: string
  /** What stands for the revision in the addresses of files. */
  readonly at: string
  readonly licence?: string
  readonly files: readonly ListedFile[]
}

/** What models are made of. */
const candidates = [
  ...['', '_quantized', '_int8', '_fp16', '_q4', '_q4f16'].map((suffix) => `onnx/model${suffix}.onnx`),
  ...['config.json', 'tokenizer.json', 'tokenizer_config.json', 'generation_config.json', 'chat_template.jinja'],
  ...['modules.json', 'sentence_bert_config.json', '1_Pooling/config.json'],
]

/** A tree comes in pages of a thousand files. */
const maxPages = 20

/**
 * @param paths - the files that are looked for where nobody lists them
 * @throws {EdgewardError} `MANIFEST_NOT_FOUND` when there is no such repository or revision, `DOWNLOAD_FAILED` when it
 *   may not be read or the hub fails; on abort, `signal.reason`.
 */
export async function listRepository(hub: HubRequest, paths: readonly string[] = candidates): Promise<HubListing> {
  return (await listByApi(hub).catch(noApi)) ?? (await listByHeaders(hub, paths))
}

/** The address of a file of a repository, or, without a path, of its folder. */
export function resolveUrl(
  { baseUrl, repository }: Omit<HubRequest, 'signal' | 'fetch' | 'revision'>,
  at: string,
  path = '',
) {
  const file = path.split('/').map(encodeURIComponent).join('/')
  return `${baseUrl}/${repository}/resolve/${encodeURIComponent(at)}/${file}`
}

/** Asks the hub; the answer is cancelled by whoever gets it. */
export function askHub(
  { fetch, signal }: HubRequest,
  url: string,
  method: 'GET' | 'HEAD' = 'GET',
): Promise<HttpAnswer> {
  return request({ url, method, fetch, signal, cache: 'no-cache', stallMs: weightsDefaults.stallMs })
}

/** @throws {EdgewardError} for any answer but a success or "not found" */
export function checkHubAnswer({ repository }: HubRequest, url: string, answer: HttpAnswer): void {
  const { ok, status } = answer.response
  if (ok || status === 404 || status === 410) return
  const details = { url, status, model: repository }
  const isForbidden = status === 401 || status === 403
  const message = isForbidden
    ? `${url} answered ${status}: the repository ${repository} does not exist, is private, or its terms have to be accepted on its page; the client option huggingFace.token must give a token that may read it`
    : `${url}: expected status 200; got ${describeAnswer(answer)}`
  throw new EdgewardError('DOWNLOAD_FAILED', message, { details })
}

/** A mirror's "not found" may come without the headers that pages of other origins need, and fails like a lost network. */
function noApi(error: unknown): undefined {
  if (!isEdgewardError(error) || error.details['problem'] !== 'network') throw error
}

/** Undefined where there is no API. */
async function listByApi(hub: HubRequest): Promise<HubListing | undefined> {
  const { baseUrl, repository, revision } = hub
  const api = `${baseUrl}/api/models/${repository}`
  const about = await getJson(hub, `${api}/revision/${encodeURIComponent(revision)}`)
  const commit = fieldOf(about?.json, 'sha')
  if (typeof commit !== 'string') return undefined
  const files: ListedFile[] = []
  let next: string | undefined = `${api}/tree/${encodeURIComponent(commit)}?recursive=true`
  for (let page = 0; next !== undefined && page < maxPages; page += 1) {
    const tree = await getJson(hub, next)
    if (!Array.isArray(tree?.json)) return undefined
    files.push(...(tree.json as readonly unknown[]).flatMap(listedFile))
    next = nextPage(tree.link, next)
  }
  const licence = licenceOf(fieldOf(about?.json, 'tags'))
  return { revision: commit, at: commit, files, ...(licence === undefined ? {} : { licence }) }
}

async function listByHeaders(hub: HubRequest, paths: readonly string[]): Promise<HubListing> {
  const found = await Promise.all(paths.map((path) => lookAt(hub, path)))
  const data = found.flatMap((file) => (file?.path.endsWith('.onnx') ? [lookAtData(hub, file.path)] : []))
  const files = [...found, ...(await Promise.all(data)).flat()].filter((file) => file !== undefined)
  if (files.length === 0) throw notFound(hub)
  const commit = files.find((file) => file.commit !== undefined)?.commit
  const states = files.map(({ path, bytes, state }) => `${path} ${bytes} ${state ?? ''}`).join('\n')
  const revision = commit ?? (await sha256Hex(new TextEncoder().encode(states))).slice(0, 40)
  return { revision, at: commit ?? hub.revision, files }
}

/** The files of weights beside a graph: `model.onnx_data`, `model.onnx_data_1`, … */
async function lookAtData(hub: HubRequest, graph: string): Promise<readonly SeenFile[]> {
  const files: SeenFile[] = []
  for (let index = 0; ; index += 1) {
    const file = await lookAt(hub, index === 0 ? `${graph}_data` : `${graph}_data_${index}`)
    if (!file) return files
    files.push(file)
  }
}

async function lookAt(hub: HubRequest, path: string): Promise<SeenFile | undefined> {
  const url = resolveUrl(hub, hub.revision, path)
  const answer = await askHub(hub, url, 'HEAD')
  try {
    checkHubAnswer(hub, url, answer)
    if (!answer.response.ok || isHtml(answer)) return undefined
    const seen = fileOfHeaders(path, answer.response.headers)
    if (seen) return seen
    const message = `${url} does not say how long it is; a mirror must send Content-Length, uncompressed, or X-Linked-Size`
    throw new EdgewardError('MANIFEST_INVALID', message, { details: { url } })
  } finally {
    answer.cancel()
  }
}

/** Undefined where there is nothing, or only a page. */
async function getJson(hub: HubRequest, url: string): Promise<{ json: unknown; link: string | null } | undefined> {
  const answer = await askHub(hub, url)
  try {
    checkHubAnswer(hub, url, answer)
    if (!answer.response.ok || isHtml(answer)) return undefined
    return { json: JSON.parse(await answer.text()) as unknown, link: answer.response.headers.get('Link') }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    const message = `${url} is no JSON: ${messageOf(error)}`
    throw new EdgewardError('MANIFEST_INVALID', message, { details: { url }, cause: error })
  } finally {
    answer.cancel()
  }
}

function notFound({ baseUrl, repository, revision }: HubRequest): EdgewardError {
  const message = `${baseUrl} has no model ${repository} at the revision ${revision}; expected a repository with onnx/model.onnx, as hf:organisation/repository or hf:organisation/repository@revision`
  return new EdgewardError('MANIFEST_NOT_FOUND', message, { details: { model: repository, revision } })
}
