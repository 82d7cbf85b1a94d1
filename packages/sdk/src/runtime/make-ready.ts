/** Makes a placement ready on the device and holds it there, within the budget of memory. */
import type { DownloadProgress, LoadPhase, ModelSource, Placement } from '../contract/index.js'
import { abortable } from '../shared/index.js'
import { modelKey, type ModelKey, type PrepareEvent } from '../transport/index.js'
import type { LiveWorker } from './start-worker.js'
import type { WorkerHost } from './worker-host.js'
import { isShort, isUntrusted, readyKey, type DevicePlacement } from './worker-models.js'

/** Who hears what happens on the device. */
export interface DeviceListener {
  onDownload(progress: DownloadProgress): void
  /** A placement is being made ready. Whoever is told watches it, if they like. */
  onLoading?(source: ModelSource, placement: DevicePlacement): LoadWatch | undefined
  onReady(model: string, placement: Placement, loadMs: number): void
  /** What could not be kept, or had to go, is of `model`; `loading` is the model whose load it was. */
  onNotStored(model: string, reason: string, loading: string): void
  /** A model was not in the cache, and now is. */
  onPublished(model: string): void
}

/** Follows a load. */
export interface LoadWatch {
  phase(phase: LoadPhase): void
  /** The load has ended, well or not, or nobody waits for it any more. */
  end(): void
}

/** How much memory models may take on the device. */
export interface MemoryBudget {
  readonly maxBytes: number
  /** What a placement of a model takes when it is ready, as estimated. */
  bytesOf(source: ModelSource, placement: DevicePlacement): number
}

/** A model that a worker was told about. */
interface RegisteredModel extends LiveWorker {
  readonly model: ModelKey
}

export interface ReadyModel extends RegisteredModel {
  /** How long it took to get ready, when it was not. */
  readonly loadMs?: number
  /** Until this is called, the placement is not unloaded. */
  readonly letGo: () => void
}

export interface ReadyParts {
  readonly host: WorkerHost
  /** WASM threads for each session. */
  readonly threads: number
  readonly listener: DeviceListener
  readonly memory: MemoryBudget
}

/**
 * Where memory was short and the worker was given up for it, tries once more in a fresh one, which has the memory that other
 * models had.
 */
export async function makeReady(parts: ReadyParts, ...asked: Asked): Promise<ReadyModel> {
  const live = await registered(parts.host, asked)
  try {
    return await makeReadyIn(live, parts, ...asked)
  } catch (error) {
    const isAlone = live.models.placements.ready.length === 0
    if (!isShort(error) || !isUntrusted(error) || isAlone) throw error
    return makeReadyIn(await registered(parts.host, asked), parts, ...asked)
  }
}

type Asked = [placement: DevicePlacement, source: ModelSource, signal: AbortSignal, priority: 'low' | undefined]

function registered(host: WorkerHost, [, source]: Asked): Promise<RegisteredModel> {
  return host.onceMore(async (live) => ({ ...live, model: await live.models.register(source) }), 'device')
}

async function makeReadyIn(
  live: RegisteredModel,
  { threads, listener, memory }: ReadyParts,
  ...[placement, source, signal, priority]: Asked
): Promise<ReadyModel> {
  const { model } = live
  const { placements } = live.models
  const { backend, variant } = placement
  const key = sessionsKey(source, placement)
  const place = { model, backend, variant, threads }
  const bytes = memory.bytesOf(source, placement)
  const letGoOfIt = placements.hold(key, place, bytes)
  const letGo = () => {
    letGoOfIt()
    void placements.makeRoom(memory.maxBytes)
  }
  try {
    if (placements.isReady(key)) return { ...live, letGo }
    const started = performance.now()
    const { id } = source.manifest
    const onReady = () => {
      placements.add(key, place, bytes)
      listener.onReady(id, placement, performance.now() - started)
    }
    await abortable(placements.makeRoom(memory.maxBytes), signal)
    const payload = { ...place, ...(priority && { priority }) }
    const watch = listener.onLoading?.(source, placement)
    const tell = announcer(id, listener, (phase) => watch?.phase(phase))
    await live.models.prepare(payload, signal, tell, onReady).finally(() => watch?.end())
    return { ...live, letGo, loadMs: performance.now() - started }
  } catch (error) {
    letGo()
    throw error
  }
}

/** Tells sessions apart: those of a model that may not use the network are those of the same model that may. */
export function sessionsKey({ manifest }: ModelSource, placement: DevicePlacement): string {
  return readyKey(modelKey(manifest), placement)
}

/** Tells the listener what the worker tells about the load of `model`. */
export function announcer(
  model: string,
  listener: DeviceListener,
  onPhase?: (phase: LoadPhase) => void,
): (event: PrepareEvent) => void {
  return (event) => {
    if (event.type === 'progress') onPhase?.(event.phase)
    if (event.type === 'progress') listener.onDownload({ model, ...progressOf(event) })
    else if (event.type === 'not-stored') listener.onNotStored(event.model ?? model, event.reason, model)
    else if (event.type === 'published') listener.onPublished(model)
  }
}

function progressOf({ type: _type, ...progress }: Extract<PrepareEvent, { type: 'progress' }>) {
  return progress
}
