/**
 * Transformers.js behind the few methods of a client that the chaos page calls, so that the same page asks it the same:
 * used as its documentation shows, in the page itself, with its defaults.
 */
import { AutoModel, env, pipeline, Tensor } from '/peer/transformers.js'

// Its default is huggingface.co; the same paths are answered by this server.
env.remoteHost = `${location.origin}/hub/`
// Its default is a content delivery network; here it is where the library is. In a service worker it sets nothing.
if (!('ServiceWorkerGlobalScope' in self)) {
  const runtime = new URL('/peer/runtime/ort-wasm-simd-threaded.asyncify', import.meta.url).href
  env.backends.onnx.wasm.wasmPaths = { mjs: `${runtime}.mjs`, wasm: `${runtime}.wasm` }
}

export function createClient({ backends: [device] = [] }) {
  const choice = device === undefined ? {} : { device }
  const loaded = new Map()
  return {
    on: () => undefined,
    dispose: () => undefined,
    pipeline: (task, model) => async (text, options) => {
      const embed = await once(loaded, model, () => pipeline(task, model, choice))
      const { data } = await embed(text, { pooling: 'mean', normalize: true, ...options }).catch(rethrown)
      return { output: [data] }
    },
    async run(model, { x }) {
      // The package has one dtype for this model.
      const run = await once(loaded, model, () => AutoModel.from_pretrained(model, { ...choice, dtype: 'fp32' }))
      const { y } = await run({ x: new Tensor(x.dtype, x.data, x.shape) }).catch(rethrown)
      return { output: { y: { data: y.data } } }
    },
  }
}

/** Loads a model once; one that did not load is loaded again for the next request, as an application would. */
async function once(loaded, model, load) {
  if (!loaded.has(model)) loaded.set(model, load())
  try {
    return await loaded.get(model)
  } catch (error) {
    loaded.delete(model)
    return rethrown(error)
  }
}

/** A bare number has no message to tell. */
function rethrown(error) {
  throw error instanceof Error ? error : new Error(`thrown: ${String(error)}`)
}
