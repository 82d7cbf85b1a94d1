/** Brings a newer revision of a cached model into the cache, while the old one stays and serves. */
import { splitModelName } from '../shared/index.js'
import type { UpdateOutcome, UpdatePayload } from '../transport/index.js'
import {
  LowPriority,
  type CachedSource,
  type ForegroundGate,
  type ModelAdmission,
  type WeightsStore,
} from '../weights/index.js'
import { isOneRevision, locateModel } from './locate-model.js'
import { WorkerModel, type LoadListener } from './worker-model.js'

/**
 * Asks the model's source for its manifest, unless its name says which revision it means; if that is another one, fetches what
 * of the cached variants has changed, unless that is more than may be downloaded, and lets the new record take the place of the
 * old one when all of it is there.
 *
 * @throws EdgewardError when the source or its files cannot be had: the cache then is as it was
 */
export async function updateModel(
  payload: UpdatePayload,
  openStore: () => Promise<WeightsStore>,
  gate: ForegroundGate,
  signal: AbortSignal,
): Promise<UpdateOutcome> {
  if (isOneRevision(splitModelName(payload.model))) return { storage: [] }
  const store = await openStore()
  const cached = await store.cache.source(payload.model, [])
  if (cached === undefined) return { storage: [] }
  const newest = await locateModel({ ...payload, from: 'source' }, openStore, signal)
  const from = cached.manifest.revision
  const { id, revision: to } = newest.manifest
  if (from === to) return { storage: [] }
  const missing = await store.cache.missing(newest.manifest)
  const missingBytes = cached.cachedVariants.reduce((sum, dtype) => sum + (missing[dtype]?.bytes ?? 0), 0)
  if (missingBytes > payload.maxDownloadBytes) return { storage: [] }

  const storage: { model: string; reason: string }[] = []
  const refused = new AbortController()
  const listener: LoadListener = {
    priority: new LowPriority(gate),
    onNotStored: (reason) => {
      storage.push({ model: id, reason })
      refused.abort(reason) // What cannot be kept need not be fetched: the old revision serves.
    },
    onEvicted: (model, reason) => storage.push({ model, reason }),
  }
  try {
    await bringAll(new WorkerModel(newest, openStore), cached, AbortSignal.any([signal, refused.signal]), listener)
  } catch (error) {
    if (!refused.signal.aborted) throw error
    return { storage }
  }
  await store.settled()
  const after = await store.cache.source(id, [])
  return after?.manifest.revision === to ? { update: { from, to }, storage } : { storage }
}

/** All variants first, then their records: the old record goes with the first one. */
async function bringAll(
  model: WorkerModel,
  { cachedVariants }: CachedSource,
  signal: AbortSignal,
  listener: LoadListener,
): Promise<void> {
  const dtypes = model.manifest.variants.map(({ dtype }) => dtype).filter((dtype) => cachedVariants.includes(dtype))
  const admissions: ModelAdmission[] = []
  try {
    for (const dtype of dtypes) admissions.push(await model.bring(dtype, signal, listener))
  } catch (error) {
    for (const admission of admissions) admission.giveUp()
    throw error
  }
  for (const admission of admissions) admission.publish()
}
