/** What the worker does for each call of the page. */
import { EdgewardError } from '../errors/index.js'
import { askToken, modelKey, type ModelKey, type WorkerHandlers } from '../transport/index.js'
import { holdModel, Network, openWeightsStore, type WeightsStore } from '../weights/index.js'
import { loadStream } from './load-stream.js'
import { locateModel } from './locate-model.js'
import { runTask } from './run-task.js'
import { SessionPool } from './session-pool.js'
import { updateModel } from './update-model.js'
import { WorkerModel } from './worker-model.js'

export function createWorkerApi(): WorkerHandlers {
  const models = new Map<ModelKey, WorkerModel>()
  const pool = new SessionPool()
  let store: Promise<WeightsStore> | undefined
  let settings: Parameters<typeof openWeightsStore>[0]
  let network = new Network()
  const openStore = () => (store ??= openWeightsStore(settings, network))

  const modelNamed = (key: ModelKey): WorkerModel => {
    const model = models.get(key)
    if (model === undefined) throw new EdgewardError('INTERNAL', `The worker was not told about the model ${key}.`)
    return model
  }

  return {
    configure({ huggingFace: hub, ...storage }) {
      settings = storage
      if (hub) {
        const { baseUrl, tokenPort } = hub
        network = new Network({ baseUrl, ...(tokenPort && { token: askToken(tokenPort) }) })
      }
      return Promise.resolve(undefined)
    },

    locate: (payload, { signal }) => locateModel(payload, openStore, signal),

    register(source) {
      const key = modelKey(source.manifest, source.offline)
      if (!models.has(key)) models.set(key, new WorkerModel(source, openStore))
      return Promise.resolve(undefined)
    },

    async add(payload) {
      await holdModel(network, payload)
    },

    async prepare(payload) {
      const model = modelNamed(payload.model)
      return loadStream(model, payload.variant, openStore, (signal, listener) =>
        model.pinned(payload.variant, signal, listener, (rest) => pool.open(model, payload, signal, rest)),
      )
    },

    async download({ model: key, variant }) {
      const model = modelNamed(key)
      return loadStream(model, variant, openStore, (signal, listener) => model.download(variant, signal, listener))
    },

    update: (payload, { signal }) => updateModel(payload, openStore, signal),

    missing: async (manifest) => (await openStore()).cache.missing(manifest),

    cache: async ({ action, model }) => (await openStore()).cache[action](model),

    async run(payload, { signal }) {
      const model = modelNamed(payload.model)
      const sessions = pool.get(model, payload)
      if (sessions === undefined) throw new EdgewardError('GPU_LOST', `The sessions of ${payload.model} are gone.`)
      return runTask(model, payload, (graph, inputs, outputs) => sessions.infer(graph, inputs, outputs, signal), signal)
    },

    process(payload, { infer, signal }) {
      const model = modelNamed(payload.model)
      const [{ dtype }] = model.manifest.variants
      // What the graph takes and gives may not be known yet.
      return model.pinned(dtype, signal, {}, () => runTask(model, payload, infer, signal))
    },

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
