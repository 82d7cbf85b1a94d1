/** What the worker does for each call of the page. */
import type { ModelSource } from '../contract/index.js'
import { EdgewardError, isEdgewardError } from '../errors/index.js'
import { modelKey, type ModelKey, type WorkerHandlers } from '../transport/index.js'
import { loadManifest, openWeightsStore, type WeightsStore } from '../weights/index.js'
import { loadStream } from './load-stream.js'
import { runTask } from './run-task.js'
import { SessionPool } from './session-pool.js'
import { WorkerModel } from './worker-model.js'

export function createWorkerApi(): WorkerHandlers {
  const models = new Map<ModelKey, WorkerModel>()
  const pool = new SessionPool()
  let store: Promise<WeightsStore> | undefined
  let settings: Parameters<typeof openWeightsStore>[0]
  const openStore = () => (store ??= openWeightsStore(settings))

  const modelNamed = (key: ModelKey): WorkerModel => {
    const model = models.get(key)
    if (model === undefined) throw new EdgewardError('INTERNAL', `The worker was not told about the model ${key}.`)
    return model
  }

  return {
    configure(options) {
      settings = options
      return Promise.resolve(undefined)
    },

    locate: ({ modelsUrl, model }, { signal }) => locate(modelsUrl, model, openStore, signal),

    register({ manifest, manifestUrl }) {
      const key = modelKey(manifest)
      if (!models.has(key)) models.set(key, new WorkerModel(manifest, manifestUrl, openStore))
      return Promise.resolve(undefined)
    },

    async prepare(payload) {
      const model = modelNamed(payload.model)
      return loadStream(model, payload.variant, openStore, (signal, listener) =>
        pool.open(model, payload, signal, listener),
      )
    },

    async download({ model: key, variant }) {
      const model = modelNamed(key)
      return loadStream(model, variant, openStore, (signal, listener) => model.download(variant, signal, listener))
    },

    cache: async ({ action, model }) => (await openStore()).cache[action](model),

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
      const closing = store
      store = undefined
      return { ...pool.live, databases: await closeStore(closing) }
    },
  }
}

/** Resolves with how many databases are still open then. */
async function closeStore(store: Promise<WeightsStore> | undefined): Promise<number> {
  const opened = await store
  if (opened === undefined) return 0
  return opened.close().then(
    () => 0,
    () => 1,
  )
}

/** A model's manifest, from its address; when there is no network, from the cache if the whole model is there. */
async function locate(
  modelsUrl: string,
  model: string,
  openStore: () => Promise<WeightsStore>,
  signal: AbortSignal,
): Promise<ModelSource> {
  try {
    const { manifest, url } = await loadManifest(modelsUrl, model, signal)
    return { manifest, manifestUrl: url }
  } catch (error) {
    if (!isEdgewardError(error) || error.code !== 'DOWNLOAD_FAILED') throw error
    const { cache } = await openStore()
    const source = await cache.source(model, error.details['url'])
    if (source === undefined) throw error
    return { manifest: source.manifest, manifestUrl: source.manifestUrl }
  }
}
