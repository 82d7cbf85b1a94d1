/** What a client offers about the cache of weights; the worker does it. */
import type {
  DownloadOptions,
  EdgewardEvents,
  ModelCache,
  ModelFiles,
  ModelSource,
  Plan,
  Policy,
  VariantDtype,
} from '../contract/index.js'
import { EdgewardError, isEdgewardError } from '../errors/index.js'
import type { WorkerHost } from '../runtime/index.js'
import { splitModelName } from '../shared/index.js'
import type { Emitter } from '../telemetry/index.js'
import { deviceVariant, type Planned, type Planner, type PlannerParts, type PlanRequest } from './planner.js'
import { checkDownloadOptions } from './check-request-options.js'
import { namedHere } from './named-here.js'

/** The worker's part in it. */
export interface CacheParts extends Pick<PlannerParts, 'options' | 'models' | 'emitter' | 'missing'> {
  readonly cache: WorkerHost['cache']
  readonly add: WorkerHost['add']
  /** Brings a variant into the cache. */
  readonly download: (source: ModelSource, variant: VariantDtype, signal: AbortSignal) => Promise<void>
}

/** What the client has for it. */
export interface ModelCacheContext {
  readonly planner: Planner
  /** Whether requests are answered with the revision of this model that the client found first. */
  readonly isUsed: (model: string) => boolean
  /** @throws EdgewardError DISPOSED */
  readonly signalOf: (options: { readonly signal?: AbortSignal }) => AbortSignal
}

export function createModelCache(parts: CacheParts, context: ModelCacheContext): ModelCache {
  const { cache } = parts
  return {
    download: (model, options) => download(parts, context, namedHere(model), options ?? {}),
    add: (model, files, options) => add(parts, context, model, files, options ?? {}),
    checkForUpdate: (model) => checkForUpdate(parts, context, namedHere(model)),
    list: () => cache('list'),
    status: (model) => cache('status', namedHere(model)),
    pin: (model) => cache('pin', namedHere(model)),
    unpin: (model) => cache('unpin', namedHere(model)),
    remove: (model) => cache('remove', namedHere(model)),
    prune: () => cache('prune'),
    verify: (model) => cache('verify', namedHere(model)),
  }
}

/** Calls back with the progress of one model until the returned function is called. */
export function watchProgress(
  emitter: Emitter<EdgewardEvents>,
  model: string,
  onProgress: DownloadOptions['onProgress'],
): () => void {
  const { id } = splitModelName(model)
  return emitter.on('download', (progress) => {
    if (progress.model === id) onProgress?.(progress)
  })
}

/** Whoever asks for a download means it, however much data is to be saved otherwise. */
const asked: Policy = { saveData: 'off' }
/** Files of the user's own are not downloaded. */
const given: Policy = { ...asked, maxDownloadBytes: Infinity }

async function download(
  parts: CacheParts,
  context: ModelCacheContext,
  model: string,
  options: DownloadOptions,
  policy = asked,
) {
  checkDownloadOptions(options)
  const signal = context.signalOf(options)
  const stop = watchProgress(parts.emitter, model, options.onProgress)
  const { id } = splitModelName(model)
  try {
    const before = await parts.cache('status', id)
    const { source, planned } = await planNewest(context.planner, { model, policy }, before.state === 'cached', signal)
    if (isEdgewardError(source)) throw source
    refuseTooMuch(planned)
    if (!source.offline && !context.isUsed(model)) parts.models.keep(model, source)
    await parts.download(source, variantOf({ source, planned }), signal)
    const after = await parts.cache('status', model)
    if (before.state === 'cached' && after.state === 'cached' && before.revision !== after.revision) {
      parts.emitter.emit('update', { model: id, from: before.revision, to: after.revision })
    }
    return after
  } finally {
    stop()
  }
}

async function add(
  parts: CacheParts,
  context: ModelCacheContext,
  model: string,
  files: ModelFiles,
  options: DownloadOptions,
) {
  checkDownloadOptions(options)
  context.signalOf(options)
  await parts.add({ id: model, revision: uniqueRevision(), files: sendable(files) })
  parts.models.forget(model)
  return download(parts, context, model, options, given)
}

/** The same files may come again, changed. */
function uniqueRevision(): string {
  return `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`
}

/** Blobs and handles go to the worker without a copy of what is in them. */
function sendable(files: ModelFiles): Parameters<CacheParts['add']>[0]['files'] {
  const toBlob = (file: Blob | Uint8Array) =>
    file instanceof Blob ? file : new Blob([file as Uint8Array<ArrayBuffer>])
  if (files instanceof Blob || files instanceof Uint8Array) return toBlob(files)
  if (typeof FileSystemDirectoryHandle !== 'undefined' && files instanceof FileSystemDirectoryHandle) return files
  const named = Object.entries(files as Readonly<Record<string, Blob | Uint8Array>>)
  return Object.fromEntries(named.map(([path, file]) => [path, toBlob(file)]))
}

/** With the newest revision that the name can mean; with the cached one when the newest cannot be had. */
async function planNewest(
  planner: Planner,
  request: Pick<PlanRequest, 'model' | 'policy'>,
  isCached: boolean,
  signal: AbortSignal,
): Promise<Planned> {
  const cached = { ...request, load: 'files' } as const
  if (isFixed(request.model)) return planner.plan(cached, signal)
  const newest = await planner.plan({ ...cached, from: 'source' }, signal)
  const isOutOfReach = isEdgewardError(newest.source) && newest.source.code === 'DOWNLOAD_FAILED'
  return isOutOfReach && isCached ? planner.plan(cached, signal) : newest
}

/** Whether one revision is meant, which the source may have replaced: on a hub, every revision can still be had. */
function isFixed(model: string): boolean {
  return splitModelName(model).revision !== undefined && !model.startsWith('hf:')
}

async function checkForUpdate(parts: CacheParts, { planner, signalOf }: ModelCacheContext, model: string) {
  const { id } = splitModelName(model)
  const signal = signalOf({})
  if (parts.options.policy.offline) {
    const message = `The source of ${JSON.stringify(id)} cannot be asked for its revision: the policy says offline.`
    throw new EdgewardError('NOT_CACHED', message, { details: { model: id } })
  }
  const [status, { source, planned }] = await Promise.all([
    parts.cache('status', id),
    planner.plan({ model: isFixed(model) ? id : model, from: 'source', policy: asked }, signal),
  ])
  if (isEdgewardError(source)) throw source
  const missing = await parts.missing(source.manifest)
  const { revision: availableRevision } = source.manifest
  const cachedRevision = status.state === 'cached' ? status.revision : undefined
  return {
    ...(cachedRevision !== undefined && { cachedRevision }),
    availableRevision,
    isUpdate: cachedRevision !== undefined && cachedRevision !== availableRevision,
    missingBytes: missing[variantOf({ source, planned })]?.bytes ?? 0,
  }
}

/** The variant that this device would use, if it may be downloaded or not; where it can use none, the model's first. */
function variantOf({ source, planned }: { source: ModelSource; planned: Plan }): VariantDtype {
  return deviceVariant(planned) ?? tooMuch(planned)?.dtype ?? source.manifest.variants[0].dtype
}

/** @throws EdgewardError NOT_CACHED when every variant for this device is more than the policy lets be downloaded */
function refuseTooMuch(planned: Plan): void {
  const refused = tooMuch(planned)
  if (deviceVariant(planned) !== undefined || refused === undefined) return
  const { reason, details } = refused
  throw new EdgewardError('NOT_CACHED', `${planned.model} is not downloaded: ${reason}.`, details && { details })
}

function tooMuch({ ruledOut }: Plan) {
  for (const { placement, reason, details } of ruledOut) {
    if ('variant' in placement && details?.['maxDownloadBytes'] !== undefined)
      return { dtype: placement.variant, reason, details }
  }
  return undefined
}
