/** The engine that answers on this device, through the worker. */
import type {
  Engine,
  EngineAnswer,
  EngineRequest,
  Manifest,
  ModelSource,
  Placement,
  TaskBatching,
  TaskName,
  VariantDtype,
} from '../contract/index.js'
import { modelKey, type ModelKey, type Payload } from '../transport/index.js'
import type { Answer, Batcher } from './batcher.js'
import { deviceStream, forgetLost, type Prepare } from './device-stream.js'
import { makeReady, sessionsKey, type DeviceListener, type MemoryBudget, type ReadyParts } from './make-ready.js'
import { sourceOf } from './model-source.js'
import { checkDeadline, DeviceQueue } from './queue.js'
import type { Group } from './watchdog.js'
import type { WorkerHost } from './worker-host.js'
import { onDevice, readyKey, type DevicePlacement } from './worker-models.js'

/** The device engine also knows, at once, how near a placement is. */
export interface DeviceEngine extends Engine {
  /** `ready` in the live worker, or on the way there; undefined when neither, as after the worker's death. */
  readiness(source: ModelSource, placement: Placement): 'ready' | 'loading' | undefined
}

export interface DeviceEngineOptions {
  /** Absent: models take what they take. */
  readonly memory?: MemoryBudget
  /** Brings what merges requests of the lane `background`, when the first one comes. Absent: they are not merged. */
  readonly loadBatching?: () => Promise<RequestBatching>
}

/** Merges requests, where it can be done. */
export interface RequestBatching {
  readonly batcher: Batcher
  batchingOf(task: TaskName, manifest: Manifest, variant: VariantDtype): TaskBatching<TaskName> | undefined
}

const boundlessMemory: MemoryBudget = { maxBytes: Infinity, bytesOf: () => 0 }

/** @param threads - WASM threads for each session */
export function createDeviceEngine(
  host: WorkerHost,
  threads: number,
  listener: DeviceListener,
  { memory = boundlessMemory, loadBatching }: DeviceEngineOptions = {},
): DeviceEngine {
  const waiting = new Waiting()
  const queue = new DeviceQueue()
  const parts: ReadyParts = { host, threads, listener, memory }

  const prepare: Prepare = (placement, source, signal, priority) =>
    waiting.during(placeKey(source, placement), () => makeReady(parts, placement, source, signal, priority))

  const one = (...asked: [DevicePlacement, EngineRequest, AbortSignal]) => answerOne(prepare, queue, ...asked)

  const merging = new Merging(loadBatching)

  const answer = (placement: DevicePlacement, request: EngineRequest, signal: AbortSignal): Promise<EngineAnswer> => {
    const alone: Answer = (...asked) => one(placement, ...asked)
    return request.lane === 'background' ? merging.answer(placement, request, signal, alone) : alone(request, signal)
  }

  return {
    kind: 'device',

    async prepare(placement, source, signal, priority) {
      const { letGo } = await prepare(onDevice(placement), source, signal, priority)
      letGo()
    },

    readiness(source, placement) {
      const device = onDevice(placement)
      if (host.started?.models.placements.isReady(sessionsKey(source, device))) return 'ready'
      return waiting.has(placeKey(source, device)) ? 'loading' : undefined
    },

    async run<T extends TaskName>(placement: Placement, request: EngineRequest<T>, signal: AbortSignal) {
      const leave = queue.enter(request)
      try {
        // The worker answers with the output of the task it was asked for.
        return (await answer(onDevice(placement), request, signal)) as EngineAnswer<T>
      } finally {
        leave()
      }
    },

    stream(placement, request, signal) {
      return deviceStream({ prepare, queue }, onDevice(placement), request, signal)
    },

    async dispose() {
      await host.dispose()
    },
  }
}

/** Merges requests that may wait, when what does that has come. */
class Merging {
  readonly #load: DeviceEngineOptions['loadBatching']
  #loading: Promise<RequestBatching | undefined> | undefined

  constructor(load: DeviceEngineOptions['loadBatching']) {
    this.#load = load
  }

  async answer(
    placement: DevicePlacement,
    request: EngineRequest,
    signal: AbortSignal,
    alone: Answer,
  ): Promise<EngineAnswer> {
    const { task, input, options } = request
    const source = sourceOf(request)
    // Where its file does not come, each request is answered by itself.
    this.#loading ??= this.#load?.().catch(() => undefined)
    const merged = await this.#loading
    const batching = merged?.batchingOf(task, source.manifest, placement.variant)
    const kind = batching?.kindOf(input, options)
    if (merged === undefined || batching === undefined || kind === undefined) return alone(request, signal)
    const place = `${placeKey(source, placement)}/${task}/${kind}`
    return merged.batcher.run(place, batching, request, signal, alone)
  }
}

/** Makes the placement ready, if it is not, and has the worker answer. */
async function answerOne(
  prepare: Prepare,
  queue: DeviceQueue,
  placement: DevicePlacement,
  request: EngineRequest,
  signal: AbortSignal,
): Promise<EngineAnswer> {
  const source = sourceOf(request)
  const { connection, models, model, loadMs, letGo } = await prepare(placement, source, signal)
  try {
    checkDeadline(request)
    const { isShared } = queue
    const sentAt = performance.now()
    const watched = { group: groupOf(placement, request), limitMs: connection.runLimitMs(request) }
    const payload = runPayload(model, placement, request)
    const { output, timings } = await connection.call('run', payload, { signal, ...watched })
    const elapsedMs = performance.now() - sentAt
    const waited = isShared && { queueMs: Math.max(0, elapsedMs - ownMs(timings)) }
    return { output, timings: { ...timings, ...waited, ...(loadMs !== undefined && { loadMs }) } }
  } catch (error) {
    forgetLost(error, models, source, placement)
    throw error
  } finally {
    letGo()
  }
}

/**
 * How long the request itself was worked on. What is above it, while others are on the device, is waiting: for its turn,
 * which the worker counts, and for the worker to hear of the request at all, since a run on WASM blocks it.
 */
function ownMs({ preprocessMs = 0, inferenceMs = 0, postprocessMs = 0 }: EngineAnswer['timings']): number {
  return preprocessMs + inferenceMs + postprocessMs
}

/** A picture that the worker fetches takes as long as the network does: meanwhile the worker only has to answer. */
function groupOf({ backend }: DevicePlacement, { task, input }: EngineRequest): Group {
  return task === 'image-to-text' && typeof input === 'string' ? 'answers' : backend
}

function runPayload(
  model: ModelKey,
  { backend, variant }: DevicePlacement,
  { task, input, options, lane = 'default' }: EngineRequest,
): Payload<'run'> {
  return { model, backend, variant, task, input, options, lane }
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
