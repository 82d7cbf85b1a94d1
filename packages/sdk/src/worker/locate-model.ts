/** Finds a model's manifest: in the cache, or where the model comes from. */
import type { ModelSource } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { isGgufUrl, splitModelName, type ModelName } from '../shared/index.js'
import type { LocateFrom, LocatePayload } from '../transport/index.js'
import {
  isHubModel,
  isLocalModel,
  isSameOnHub,
  loadManifest,
  locateHub,
  locateLocal,
  manifestUrl,
  type WeightsStore,
} from '../weights/index.js'
import { drafts, loadGeneration } from './generation-file.js'

/**
 * @throws EdgewardError as `loadManifest` does; NOT_CACHED when it must come from the cache and is not there;
 *   INVALID_OPTION for an address or a name that cannot be one
 */
export async function locateModel(
  { modelsUrls, model, from }: LocatePayload,
  openStore: () => Promise<WeightsStore>,
  signal: AbortSignal,
): Promise<ModelSource> {
  const name = splitModelName(model)
  if (isHubModel(name.id)) return locateOnHub(name, from, await openStore(), signal)
  if (isLocalModel(name.id)) return locateGiven(name, from, await openStore())
  const isGguf = isGgufUrl(name.id)
  const urls = isGguf ? [name.id] : modelsUrls.map((modelsUrl) => manifestUrl(modelsUrl, name.id))
  if (from !== 'source') {
    const { cache } = await openStore()
    const cached = await cache.source(model, urls)
    signal.throwIfAborted()
    if (cached) return from === 'cache' ? { ...cached, offline: true } : cached
    if (from === 'cache') throw notCached(model)
  }
  if (isGguf) return (await loadGeneration()).locateGguf(name, (await openStore()).network, signal)
  const { manifest, url } = await loadManifest(urls, name, signal)
  return { manifest, manifestUrl: url, mirrorUrls: urls.filter((other) => other !== url) }
}

/** Whether a name can only ever mean the same files: on a hub a commit does, a branch or a tag moves. */
export function isOneRevision({ id, revision }: ModelName): boolean {
  return revision !== undefined && (!isHubModel(id) || /^[0-9a-f]{40}$/.test(revision))
}

async function locateOnHub(
  name: ModelName,
  from: LocateFrom,
  { cache, network }: WeightsStore,
  signal: AbortSignal,
): Promise<ModelSource> {
  if (from !== 'source') {
    const cached = await cache.source(name.id, [])
    signal.throwIfAborted()
    if (cached && isSameOnHub(name, cached, network)) return from === 'cache' ? { ...cached, offline: true } : cached
    if (from === 'cache') throw notCached(name.id)
  }
  if (name.id.endsWith('.gguf')) return (await loadGeneration()).locateGguf(name, network, signal)
  return locateHub(name, network, signal, drafts)
}

/** Nothing of it needs the network. */
async function locateGiven(name: ModelName, from: LocateFrom, { cache, network }: WeightsStore): Promise<ModelSource> {
  const cached = from === 'cache' || !network.heldModel(name.id) ? await cache.source(name.id, []) : undefined
  if (cached) return from === 'cache' ? { ...cached, offline: true } : cached
  return locateLocal(name, network)
}

function notCached(model: string): EdgewardError {
  const name = JSON.stringify(model)
  const message = `The model ${name} is not in the cache, and the policy says offline; models.download(${name}) brings it there while there is a network.`
  return new EdgewardError('NOT_CACHED', message, { details: { model, missingFiles: ['manifest.json'] } })
}
