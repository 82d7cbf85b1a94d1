/** The engine that answers on this device, through the worker. */
import type { DownloadProgress, Engine, EngineRequest, ModelSource, Placement, TaskName } from '../contract/index.js'
import { isEdgewardError } from '../errors/index.js'
import { modelKey, type ModelKey, type PrepareEvent } from '../transport/index.js'
import { sourceOf } from './model-source.js'
import type { LiveWorker, WorkerHost } from './worker-host.js'
import { onDevice, readyKey, type DevicePlacement } from './worker-models.js'

/** Who hears what happens on the device. */
export interface DeviceListener {
  onDownload(progress: DownloadProgress): void
  onReady(model: string, placement: Placement, loadMs: number): void
  /** What could not be kept, or had to go, is of `model`; `loading` is the model whose load it was. */
  onNotStored(model: string, reason: string, loading: string): void
  /** A model was not in the cache, and now is. */
  onPublished(model: string): void
}

interface ReadyModel extends LiveWorker {
  readonly model: ModelKey
  /** How long it took to get ready, when it was not. */
  readonly loadMs?: number
}

/** Tells the listener what the worker tells about the load of `model`. */
export function announcer(model: string, listener: DeviceListener): (event: PrepareEvent) => void {
  return (event) => {
    if (event.type === 'progress') listener.onDownload({ model, ...progressOf(event) })
    else if (event.type === 'not-stored') listener.onNotStored(event.model ?? model, event.reason, model)
    else if (event.type === 'published') listener.onPublished(model)
  }
}

/** The device engine also knows, at once, how near a placement is. */
export interface DeviceEngine extends Engine {
  /** `ready` in the live worker, or on the way there; undefined when neither, as after the worker's death. */
  readiness(source: ModelSource, placement: Placement): 'ready' | 'loading' | undefined
}

/** @param threads - WASM threads for each session */
export function createDeviceEngine(host: WorkerHost, threads: number, listener: DeviceListener): DeviceEngine {
  const waiting = new Waiting()

  const prepare = (placement: DevicePlacement, source: ModelSource, signal: AbortSignal, priority?: 'low') =>
    waiting.during(placeKey(source, placement), () =>
      makeReady({ host, threads, listener }, placement, source, signal, priority),
    )

  return {
    kind: 'device',

    async prepare(placement, source, signal, priority) {
      await prepare(onDevice(placement), source, signal, priority)
    },

    readiness(source, placement) {
      const device = onDevice(placement)
      const isReady = host.started?.models.isReady(modelKey(source.manifest, source.offline), device)
      if (isReady) return 'ready'
      return waiting.has(placeKey(source, device)) ? 'loading' : undefined
    },

    async run<T extends TaskName>(placement: Placement, request: EngineRequest<T>, signal: AbortSignal) {
      const device = onDevice(placement)
      const { connection, models, model, loadMs } = await prepare(device, sourceOf(request), signal)
      const { backend, variant } = device
      const { task, input, options, lane = 'default' } = request
      try {
        const answer = await connection.call('run', { model, backend, variant, task, input, options, lane }, { signal })
        const timings = { ...answer.timings, ...(loadMs !== undefined && { loadMs }) }
        // The worker answers with the output of the task it was asked for.
        return { output: answer.output, timings }
      } catch (error) {
        if (isEdgewardError(error) && error.code === 'GPU_LOST') models.forget(model, device)
        throw error
      }
    },

    async dispose() {
      await host.dispose()
    },
  }
}

interface Parts {
  readonly host: WorkerHost
  readonly threads: number
  readonly listener: DeviceListener
}

async function makeReady(
  { host, threads, listener }: Parts,
  placement: DevicePlacement,
  source: ModelSource,
  signal: AbortSignal,
  priority: 'low' | undefined,
): Promise<ReadyModel> {
  const live = await host.live()
  const model = await live.models.register(source)
  if (live.models.isReady(model, placement)) return { ...live, model }
  const started = performance.now()
  const { id } = source.manifest
  const { backend, variant } = placement
  const announce = announcer(id, listener)
  const announceReady = () => listener.onReady(id, placement, performance.now() - started)
  const payload = { model, backend, variant, threads, ...(priority && { priority }) }
  await live.models.prepare(payload, signal, announce, announceReady)
  return { ...live, model, loadMs: performance.now() - started }
}

/** Who waits for what to become ready. */
class Waiting {
  readonly #counts = new Map<string, number>()

  has(key: string): boolean {
    return this.#counts.has(key)
  }

  async during<V>(key: string, work: () => Promise<V>): Promise<V> {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    try {
      return await work()
    } finally {
      const others = (this.#counts.get(key) ?? 0) - 1
      if (others > 0) this.#counts.set(key, others)
      else this.#counts.delete(key)
    }
  }
}

function placeKey(source: ModelSource, placement: DevicePlacement): string {
  return readyKey(modelKey(source.manifest, source.offline), placement)
}

function progressOf({ type: _type, ...progress }: Extract<PrepareEvent, { type: 'progress' }>) {
  return progress
}
