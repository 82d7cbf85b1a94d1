/** What the worker does for the calls that load models: at once, or at low priority, held back by what the page needs now. */
import type { ModelKey, WorkerHandlers } from '../transport/index.js'
import { ForegroundGate, type WeightsStore } from '../weights/index.js'
import { loadStream } from './load-stream.js'
import type { SessionPool } from './session-pool.js'
import { updateModel } from './update-model.js'
import type { WorkerModel } from './worker-model.js'

type LoadHandlers = Pick<WorkerHandlers, 'prepare' | 'download' | 'update' | 'foreground' | 'hasten'>

/** @param modelNamed - throws when the worker was not told about the model */
export function loadHandlers(
  modelNamed: (key: ModelKey) => WorkerModel,
  pool: SessionPool,
  openStore: () => Promise<WeightsStore>,
): LoadHandlers {
  const gate = new ForegroundGate()

  return {
    async prepare(payload) {
      const { variant } = payload
      const model = modelNamed(payload.model)
      const priority = payload.priority === 'low' ? model.lowPriority(gate) : undefined
      // Loads of one model wait for the same files.
      if (priority === undefined) model.hasten()
      return loadStream(model, variant, openStore, priority, (signal, listener) =>
        model.pinned(variant, signal, listener, (rest) => pool.open(model, payload, signal, rest)),
      )
    },

    async download({ model: key, variant }) {
      const model = modelNamed(key)
      model.hasten()
      return loadStream(model, variant, openStore, undefined, (signal, listener) =>
        model.download(variant, signal, listener),
      )
    },

    update: (payload, { signal }) => updateModel(payload, openStore, gate, signal),

    foreground({ requests }) {
      gate.set(requests)
      return Promise.resolve(undefined)
    },

    hasten({ model }) {
      modelNamed(model).hasten()
      return Promise.resolve(undefined)
    },
  }
}
