/** What one live worker knows: the models it was told about and the placements it has ready. */
import type { Backend, ModelSource, Placement } from '../contract/index.js'
import { EdgewardError, isEdgewardError } from '../errors/index.js'
import { neverAborted, SingleFlight } from '../shared/index.js'
import {
  modelKey,
  type DownloadPayload,
  type ModelKey,
  type PrepareEvent,
  type PreparePayload,
} from '../transport/index.js'
import { ReadyPlacements } from './ready-placements.js'
import type { WatchedConnection } from './watched-connection.js'

export type DevicePlacement = Extract<Placement, { engine: 'device' }>

/** Narrows a placement that the router gave to the device engine. */
export function onDevice(placement: Placement): DevicePlacement {
  if (placement.engine === 'device') return placement
  throw new EdgewardError('INTERNAL', `The device engine was asked to run at ${placement.endpoint}.`)
}

export class WorkerModels {
  readonly #connection: WatchedConnection
  readonly #registered = new Map<ModelKey, Promise<ModelKey>>()
  readonly #sources = new Map<ModelKey, ModelSource>()
  readonly #preparing = new SingleFlight<string, void>()
  /** What is being prepared at low priority. */
  readonly #unhurried = new Set<string>()
  /** Those that are ready, and who works with them. */
  readonly placements: ReadyPlacements

  constructor(connection: WatchedConnection) {
    this.#connection = connection
    this.placements = new ReadyPlacements(({ model, backend, variant }) =>
      connection.call('unload', { model, backend, variant }, { signal: neverAborted() }),
    )
  }

  /** Tells the worker about a model, once. */
  register(source: ModelSource): Promise<ModelKey> {
    const key = modelKey(source.manifest, source.offline)
    const registered = this.#registered.get(key)
    if (registered !== undefined) return registered
    const options = { signal: neverAborted() }
    const registering = this.#connection.call('register', source, options).then(() => key)
    this.#registered.set(key, registering)
    this.#sources.set(key, source)
    registering.catch(() => this.#registered.delete(key))
    return registering
  }

  /**
   * Makes a placement ready, once for all who ask; every one of them can go without stopping it for the others. What began
   * at low priority goes on at the normal one when somebody asks without. When memory is short, the least recently used
   * placement makes room, once.
   */
  prepare(
    payload: PreparePayload,
    signal: AbortSignal,
    onEvent: (event: PrepareEvent) => void,
    onReady: () => void,
  ): Promise<void> {
    const key = readyKey(payload.model, payload)
    if (payload.priority === undefined && this.#unhurried.delete(key)) this.#hasten(payload.model)
    return this.#preparing.run(key, signal, async (sharedSignal) => {
      if (payload.priority === 'low') this.#unhurried.add(key)
      try {
        await this.#load(payload, sharedSignal, onEvent).catch(async (error: unknown) => {
          if (!isShort(error) || isUntrusted(error) || !(await this.placements.unloadOldest())) throw error
          await this.#load(payload, sharedSignal, onEvent)
        })
      } finally {
        this.#unhurried.delete(key)
      }
      onReady()
    })
  }

  /**
   * Makes ready what another worker has ready, from the cache, while nobody waits for it.
   *
   * @throws EdgewardError NOT_CACHED when something would have to come over the network
   */
  async adopt({ placements, source }: WorkerModels, signal: AbortSignal): Promise<void> {
    for (const { key, place, bytes } of placements.ready) {
      await this.#assertCached(source(place.model), place)
      await this.register(source(place.model))
      const onReady = () => this.placements.add(key, place, bytes)
      await this.prepare({ ...place, priority: 'low' }, signal, () => undefined, onReady)
    }
  }

  /** Of a model that the worker was told about. */
  readonly source = (model: ModelKey): ModelSource => {
    const source = this.#sources.get(model)
    if (source !== undefined) return source
    throw new EdgewardError('INTERNAL', `The worker was not told about the model ${model}.`)
  }

  async #assertCached({ manifest }: ModelSource, { variant }: PreparePayload): Promise<void> {
    const missing = await this.#connection.call('missing', manifest, { signal: neverAborted() })
    if (missing[variant]?.bytes === 0) return
    throw new EdgewardError('NOT_CACHED', `${manifest.id} (${variant}) is not complete in the cache.`)
  }

  #load(payload: PreparePayload, signal: AbortSignal, onEvent: (event: PrepareEvent) => void): Promise<void> {
    return this.#watched(payload.backend, signal, onEvent, async (watching) => {
      await readUntilReady(await this.#connection.call('prepare', payload, { signal }), signal, watching)
    })
  }

  async #watched(
    backend: Backend | undefined,
    signal: AbortSignal,
    onEvent: (event: PrepareEvent) => void,
    load: (onEvent: (event: PrepareEvent) => void) => Promise<void>,
  ): Promise<void> {
    const watched = this.#connection.watchLoad(backend)
    try {
      await load((event) => {
        watched.onEvent(event)
        onEvent(event)
      })
    } catch (error) {
      watched.onFailed(error, signal)
      throw error
    }
    watched.onReady()
  }

  /** Somebody waits for what was begun in the background; if the worker is gone, the load's own end says so. */
  #hasten(model: ModelKey): void {
    this.#connection.call('hasten', { model }, { signal: neverAborted() }).catch(() => undefined)
  }

  /** Brings a variant into the cache; resolves when everything that could be stored is. */
  download(payload: DownloadPayload, signal: AbortSignal, onEvent: (event: PrepareEvent) => void): Promise<void> {
    return this.#watched(undefined, signal, onEvent, async (watching) => {
      await readAll(await this.#connection.call('download', payload, { signal }), signal, watching)
    })
  }
}

/** Whether memory was short. */
export function isShort(error: unknown): error is EdgewardError {
  return isEdgewardError(error) && error.code === 'OUT_OF_MEMORY'
}

/** Whether the worker's runtime cannot be trusted any more after this error. */
export function isUntrusted(error: unknown): boolean {
  return isEdgewardError(error) && error.details['untrusted'] === true
}

/** Tells the placements of all models apart. */
export function readyKey(model: ModelKey, { variant, backend }: Pick<DevicePlacement, 'variant' | 'backend'>): string {
  return `${model}/${variant}/${backend}`
}

/** Resolves when the model can be used; what comes later is still told. */
function readUntilReady(
  stream: ReadableStream<PrepareEvent>,
  signal: AbortSignal,
  onEvent: (event: PrepareEvent) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const onNext = (event: PrepareEvent) => (event.type === 'ready' ? resolve() : onEvent(event))
    // A failure after "ready" concerns the cache alone: the worker is gone, and the next one says what it finds.
    readAll(stream, signal, onNext).then(resolve, reject)
  })
}

async function readAll<T>(stream: ReadableStream<T>, signal: AbortSignal, onChunk: (chunk: T) => void): Promise<void> {
  const reader = stream.getReader()
  const onAbort = () => void reader.cancel(signal.reason)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) onChunk(next.value)
    signal.throwIfAborted()
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
