/** The peer: Transformers.js in a module worker, with its own defaults, on the WASM backend. */
import { AutoModel, env, pipeline, Tensor } from '/peer/transformers/dist/transformers.min.js'

env.allowRemoteModels = false
env.allowLocalModels = true
// Its default is a content delivery network; the same files are served from here.
const runtime = '/peer/transformersRuntime/dist/ort-wasm-simd-threaded.asyncify'
env.backends.onnx.wasm.wasmPaths = { mjs: `${runtime}.mjs`, wasm: `${runtime}.wasm` }

const answers = {
  async embedding({ model, input }) {
    const embed = await pipeline('feature-extraction', model, { device: 'wasm', dtype: 'q8' })
    return embed(input, { pooling: 'mean', normalize: true })
  },
  async run({ model, input, isSplit }) {
    const options = { device: 'wasm', dtype: 'fp32', use_external_data_format: isSplit }
    const loaded = await AutoModel.from_pretrained(model, options)
    const { y } = await loaded({ x: new Tensor(input.dtype, input.data, input.shape) })
    return y
  },
}

self.onmessage = async ({ data: { folder, kind, ...given } }) => {
  env.localModelPath = folder
  const output = await answers[kind](given)
  self.postMessage(Array.from(output.data))
}
