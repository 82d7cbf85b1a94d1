/** The peer: Transformers.js in a module worker, with its own defaults, on the WASM backend. */
import { env, pipeline } from '/peer/transformers/dist/transformers.min.js'

env.allowRemoteModels = false
env.allowLocalModels = true
// Its default is a content delivery network; the same files are served from here.
const runtime = '/peer/transformersRuntime/dist/ort-wasm-simd-threaded.asyncify'
env.backends.onnx.wasm.wasmPaths = { mjs: `${runtime}.mjs`, wasm: `${runtime}.wasm` }

self.onmessage = async ({ data: { folder, text } }) => {
  env.localModelPath = folder
  const embed = await pipeline('feature-extraction', 'all-minilm-l6-v2', { device: 'wasm', dtype: 'q8' })
  const output = await embed(text, { pooling: 'mean', normalize: true })
  self.postMessage(Array.from(output.data))
}
