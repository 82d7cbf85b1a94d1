/** Models of Hugging Face's hub, its mirrors and private hubs: `hf:organisation/repository`, without a manifest. */
import type { ModelSource } from '../contract/index.js'
import { EdgewardError, messageOf } from '../errors/index.js'
import type { ModelName } from '../shared/index.js'
import { askHub, checkHubAnswer, listRepository, resolveUrl, type HubRequest } from './hub-listing.js'
import type { ModelDrafts } from './model-drafts.js'
import type { Network } from './network.js'
import { draftManifest, type Repository } from './repository-layout.js'
import type { RepositoryJson } from './sentence-settings.js'

const scheme = 'hf:'

/** Whether a model's id is a repository's name. */
export function isHubModel(id: string): boolean {
  return id.startsWith(scheme)
}

/**
 * The source of a repository: a manifest as far as the hub tells it, and the folder of its files at one commit.
 *
 * @throws {EdgewardError} `INVALID_OPTION` for a name that cannot be one, `MANIFEST_NOT_FOUND`, `MANIFEST_INVALID`,
 *   `DOWNLOAD_FAILED` (also where a token is needed); on abort, `signal.reason`.
 */
export async function locateHub(
  name: ModelName,
  { hub: { baseUrl }, fetch }: Network,
  signal: AbortSignal,
  drafts?: Pick<ModelDrafts, 'languageModel'>,
): Promise<ModelSource> {
  const { revision = 'main' } = name
  const repository = repositoryOf(name)
  const hub: HubRequest = { baseUrl, repository, revision, fetch, signal }
  const listing = await listRepository(hub)
  const drafted: Repository = {
    ...listing,
    id: name.id,
    askedFor: askedFor(name),
    readJson: (path) => {
      const isThere = listing.files.some((file) => file.path === path)
      return isThere ? readJson(hub, resolveUrl(hub, listing.at, path)) : Promise.resolve(undefined)
    },
  }
  const manifest = await draftManifest(drafted, drafts)
  return { manifest, manifestUrl: resolveUrl(hub, listing.at) }
}

/** Whether a source from the cache is what a name means: from this hub, and asked for by the same branch, tag or commit. */
export function isSameOnHub(name: ModelName, { manifest, manifestUrl }: ModelSource, { hub }: Network): boolean {
  if (!manifestUrl.startsWith(`${hub.baseUrl}/`)) return false
  return manifest.revision === name.revision || manifest.provenance.some(({ source }) => source === askedFor(name))
}

function askedFor({ id, revision = 'main' }: ModelName): string {
  return `${id}@${revision}`
}

function repositoryOf({ id, revision = 'main' }: ModelName): string {
  const repository = id.slice(scheme.length)
  const isName = /^[A-Za-z0-9][\w.-]*(?:\/[A-Za-z0-9][\w.-]*)?$/.test(repository)
  if (isName && /^[\w][\w./-]*$/.test(revision)) return repository
  const message = `The model ${JSON.stringify(id)} at the revision ${JSON.stringify(revision)}: expected hf:organisation/repository or hf:organisation/repository@revision, a branch, a tag or a commit.`
  throw new EdgewardError('INVALID_OPTION', message, { details: { option: 'model', value: id } })
}

async function readJson(hub: HubRequest, url: string): Promise<RepositoryJson | undefined> {
  const answer = await askHub(hub, url)
  try {
    checkHubAnswer(hub, url, answer)
    if (!answer.response.ok) return undefined
    const json: unknown = JSON.parse(await answer.text())
    if (typeof json === 'object' && json !== null) return json as RepositoryJson
    throw new SyntaxError('neither an object nor a list')
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    const message = `${url} is not the JSON that belongs there: ${messageOf(error)}`
    throw new EdgewardError('MANIFEST_INVALID', message, { details: { url }, cause: error })
  } finally {
    answer.cancel()
  }
}
