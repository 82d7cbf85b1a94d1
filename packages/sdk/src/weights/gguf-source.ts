/** Finds GGUFs at addresses and on the hub: each is its own manifest, of which the header is read. */
import type { ModelSource } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import type { ModelName } from '../shared/index.js'
import { listRepository, resolveUrl } from './hub-listing.js'
import { isPlainPath } from './manifest-schema.js'
import type { GgufSource, ModelDrafts } from './model-drafts.js'
import type { Network } from './network.js'
import { lookAtFile, readRange } from './ranged-file.js'
import { sha256Hex } from './verify.js'

/** What tells one state of a file from another, where its server does not: this much of its beginning. */
const telltaleBytes = 65_536

/**
 * The source of a GGUF at an absolute address.
 *
 * @throws {EdgewardError} `MANIFEST_NOT_FOUND`, `DOWNLOAD_FAILED`, and what the draft throws; on abort, `signal.reason`.
 */
export async function locateGgufUrl(
  { id: url }: ModelName,
  network: Network,
  draft: ModelDrafts['gguf'],
  signal: AbortSignal,
): Promise<ModelSource> {
  const { bytes, state } = await lookAtFile(url, network.fetch, signal)
  const read = (start: number, end: number) => readRange(url, start, end, network.fetch, signal)
  const beginning = state === '' ? await sha256Hex(await read(0, Math.min(bytes, telltaleBytes))) : ''
  const revision = (await sha256Hex(new TextEncoder().encode(`${bytes} ${state}${beginning}`))).slice(0, 40)
  return { manifest: await draft({ id: url, revision, path: pathOf(url), bytes, read }), manifestUrl: url }
}

/**
 * The source of `hf:organisation/repository/file.gguf`, at the commit that its revision stands for.
 *
 * @throws {EdgewardError} `INVALID_OPTION` for a name that cannot be one, `MANIFEST_NOT_FOUND`, `DOWNLOAD_FAILED`, and what the
 *   draft throws; on abort, `signal.reason`.
 */
export async function locateHubGguf(
  name: ModelName,
  { hub: { baseUrl }, fetch }: Network,
  draft: ModelDrafts['gguf'],
  signal: AbortSignal,
): Promise<ModelSource> {
  const { id, revision = 'main' } = name
  const { repository, path } = placeOnHub(name)
  const hub = { baseUrl, repository, revision, fetch, signal }
  const listing = await listRepository(hub, [path])
  const file = listing.files.find((listed) => listed.path === path)
  if (!file) throw notThere(name, listing.files)
  const url = resolveUrl(hub, listing.at, path)
  const source: GgufSource = {
    ...file,
    id,
    revision: listing.revision,
    askedFor: `${id}@${revision}`,
    ...(listing.licence !== undefined && { licence: listing.licence }),
    read: (start, end) => readRange(url, start, end, fetch, signal),
  }
  return { manifest: await draft(source), manifestUrl: url }
}

/** What the file is called, where that can be a path. */
function pathOf(url: string): string {
  const name = new URL(url).pathname.split('/').at(-1) ?? ''
  return isPlainPath(name) ? name : 'model.gguf'
}

function placeOnHub({ id, revision = 'main' }: ModelName): { repository: string; path: string } {
  const [, repository = '', path = ''] = /^hf:([A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*)\/(.+)$/.exec(id) ?? []
  if (isPlainPath(path) && /^[\w][\w./-]*$/.test(revision)) return { repository, path }
  const message = `The model ${JSON.stringify(id)} at the revision ${JSON.stringify(revision)}: expected hf:organisation/repository/file.gguf or hf:organisation/repository/file.gguf@revision, a branch, a tag or a commit.`
  throw new EdgewardError('INVALID_OPTION', message, { details: { option: 'model', value: id } })
}

function notThere({ id }: ModelName, files: readonly { readonly path: string }[]): EdgewardError {
  const there = files.map(({ path }) => path).filter((path) => path.endsWith('.gguf'))
  const message = `There is no ${id}; GGUFs of that repository: ${there.join(', ') || 'none'}.`
  return new EdgewardError('MANIFEST_NOT_FOUND', message, { details: { model: id, there } })
}
