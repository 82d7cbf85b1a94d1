/** What the worker does for each call of the page. */
import type { EngineAnswer } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { modelKey, type MethodResult, type ModelKey, type Payload, type WorkerHandlers } from '../transport/index.js'
import { holdModel } from '../weights/index.js'
import { drafts } from './generation-file.js'
import { loadHandlers } from './load-handlers.js'
import { locateModel } from './locate-model.js'
import { measurementHandlers } from './measurement-handlers.js'
import type { ModelSessions } from './open-sessions.js'
import { runTask, type InferInTurn } from './run-task.js'
import { buildFor } from './runtime-build.js'
import { SessionPool } from './session-pool.js'
import { WorkerModel } from './worker-model.js'
import { WorkerStore } from './worker-store.js'

export function createWorkerApi(): WorkerHandlers {
  const models = new Map<ModelKey, WorkerModel>()
  const pool = new SessionPool()
  const store = new WorkerStore()
  const openStore = () => store.open()

  const modelNamed = (key: ModelKey) => models.get(key) ?? untold(key)

  return {
    configure(payload) {
      store.configure(payload)
      return Promise.resolve(undefined)
    },

    locate: (payload, { signal }) => locateModel(payload, openStore, signal),

    register(source) {
      const key = modelKey(source.manifest, source.offline)
      if (!models.has(key)) models.set(key, new WorkerModel(source, openStore))
      return Promise.resolve(undefined)
    },

    async add(payload) {
      await holdModel(store.network, payload, drafts)
    },

    warm: (payload) => pool.warm(payload),

    ...loadHandlers(modelNamed, pool, openStore),

    missing: async (manifest) => (await openStore()).cache.missing(manifest),

    cache: async ({ action, model }) => (await openStore()).cache[action](model),

    unload: (payload) => pool.unload(modelNamed(payload.model), payload),

    ...measurementHandlers(openStore),

    runtimeBinary: ({ backend }) => Promise.resolve(buildFor(backend, 'Suspending' in WebAssembly).files.wasm.href),

    run: (payload, { signal }) => runOnDevice(pool, modelNamed(payload.model), payload, signal),

    generate: (payload) => generateOnDevice(pool, modelNamed(payload.model), payload),

    async process(payload, { infer, signal }) {
      const model = await modelNamed(payload.model).described(signal)
      return runTask(model, payload, (graph, inputs, outputs) => infer(graph, inputs, outputs), signal)
    },

    vitals: () => Promise.resolve(pool.vitals),

    async shutdown() {
      models.clear()
      await pool.close()
      return { ...pool.live, databases: await store.close() }
    },
  }
}

function runOnDevice(
  pool: SessionPool,
  model: WorkerModel,
  payload: Payload<'run'>,
  signal: AbortSignal,
): Promise<EngineAnswer> {
  const turn = { lane: payload.lane, model: payload.model, signal }
  return pool.use(model, payload, (sessions) => {
    const infer: InferInTurn = (graph, inputs, outputs, onWaited) =>
      sessions.infer(graph, inputs, outputs, { ...turn, onWaited })
    return runTask(model, payload, infer, signal)
  })
}

/** The stream comes at once; its sessions are held until it ends. */
function generateOnDevice(
  pool: SessionPool,
  model: WorkerModel,
  payload: Payload<'generate'>,
): Promise<MethodResult<'generate'>> {
  return new Promise((resolve, reject) => {
    const write = (sessions: ModelSessions) => {
      const { stream, ended } = sessions.generate(payload)
      resolve(stream)
      return ended
    }
    pool.use(model, payload, write).catch(reject)
  })
}

function untold(key: ModelKey): never {
  throw new EdgewardError('INTERNAL', `The worker was not told about the model ${key}.`)
}
