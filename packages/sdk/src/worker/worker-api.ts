/** What the worker does for each call of the page. */
import { EdgewardError } from '../errors/index.js'
import {
  modelKey,
  type ModelKey,
  type PrepareEvent,
  type PreparePayload,
  type WorkerHandlers,
} from '../transport/index.js'
import { loadManifest, openWeightsStore, type WeightsStore } from '../weights/index.js'
import { runTask } from './run-task.js'
import { SessionPool } from './session-pool.js'
import { WorkerModel } from './worker-model.js'

export function createWorkerApi(): WorkerHandlers {
  const models = new Map<ModelKey, WorkerModel>()
  const pool = new SessionPool()
  let store: Promise<WeightsStore> | undefined
  const openStore = () => (store ??= openWeightsStore())

  const modelNamed = (key: ModelKey): WorkerModel => {
    const model = models.get(key)
    if (model === undefined) throw new EdgewardError('INTERNAL', `The worker was not told about the model ${key}.`)
    return model
  }

  return {
    async locate({ modelsUrl, model }, { signal }) {
      const { manifest, url } = await loadManifest(modelsUrl, model, signal)
      return { manifest, manifestUrl: url }
    },

    register({ manifest, manifestUrl }) {
      const key = modelKey(manifest)
      if (!models.has(key)) models.set(key, new WorkerModel(manifest, manifestUrl, openStore))
      return Promise.resolve(undefined)
    },

    prepare: (payload) => Promise.resolve(prepareStream(pool, modelNamed(payload.model), payload)),

    async run(payload, { signal }) {
      const model = modelNamed(payload.model)
      const sessions = pool.get(model, payload)
      if (sessions === undefined) throw new EdgewardError('GPU_LOST', `The sessions of ${payload.model} are gone.`)
      return runTask(model, payload, (graph, inputs, outputs) => sessions.infer(graph, inputs, outputs, signal), signal)
    },

    process: (payload, { infer, signal }) => runTask(modelNamed(payload.model), payload, infer, signal),

    async shutdown() {
      models.clear()
      await pool.close()
      const opened = await store
      store = undefined
      const databases =
        opened === undefined
          ? 0
          : await opened.close().then(
              () => 0,
              () => 1,
            )
      return { ...pool.live, databases }
    },
  }
}

/** Loads a model and tells how it is coming along; ends when it is ready, errors when it cannot be. */
function prepareStream(pool: SessionPool, model: WorkerModel, place: PreparePayload): ReadableStream<PrepareEvent> {
  const cancelled = new AbortController()
  let isOpen = true
  return new ReadableStream<PrepareEvent>({
    start(controller) {
      // Loads that others share, and writes to the database, go on after this stream's end and still tell about it.
      const send = (event: PrepareEvent) => {
        if (isOpen) controller.enqueue(event)
      }
      const end = (how: () => void) => {
        if (isOpen) how()
        isOpen = false
      }
      const progress = countBytes(model, place, send)
      const onNotStored = (reason: string) => send({ type: 'not-stored', reason })
      pool.open(model, place, cancelled.signal, { onBytes: progress, onNotStored }).then(
        () => end(() => controller.close()),
        (error: unknown) => end(() => controller.error(error)),
      )
    },
    cancel(reason) {
      isOpen = false
      cancelled.abort(reason)
    },
  })
}

function countBytes(model: WorkerModel, { variant }: PreparePayload, send: (event: PrepareEvent) => void) {
  const graphs = Object.values(model.variant(variant).graphs)
  const files = [...graphs.map(({ file }) => file), ...Object.values(model.manifest.assets)]
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0)
  let loadedBytes = 0
  let cachedBytes = 0
  return (bytes: number, from: 'cache' | 'network') => {
    loadedBytes += bytes
    if (from === 'cache') cachedBytes += bytes
    send({ type: 'progress', loadedBytes, totalBytes, cachedBytes })
  }
}
