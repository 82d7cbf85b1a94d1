/** The peer: Transformers.js in a module worker, on the graph with GroupQueryAttention, on the WASM backend. */
import { AutoModelForCausalLM, env, Tensor } from '/peer/transformers/dist/transformers.min.js'

env.allowRemoteModels = false
env.allowLocalModels = true
env.localModelPath = '/peer/'
// Its default is a content delivery network; the same files are served from here.
const runtime = '/peer/transformersRuntime/dist/ort-wasm-simd-threaded.asyncify'
env.backends.onnx.wasm.wasmPaths = { mjs: `${runtime}.mjs`, wasm: `${runtime}.wasm` }

let model

const answers = {
  async load({ threads }) {
    env.backends.onnx.wasm.numThreads = threads
    const options = { device: 'wasm', dtype: 'fp32', use_external_data_format: true }
    model = await AutoModelForCausalLM.from_pretrained('graph', options)
    return {}
  },

  async generate({ ids, maxTokens }) {
    const of = (values) => new Tensor('int64', BigInt64Array.from(values, BigInt), [1, ids.length])
    const times = []
    const streamer = { put: () => times.push(performance.now()), end() {} }
    const given = { input_ids: of(ids), attention_mask: of(ids.map(() => 1)), streamer }
    const started = performance.now()
    await model.generate({ ...given, max_new_tokens: maxTokens, do_sample: false, eos_token_id: -1 })
    // The streamer is given the prompt first.
    const [first, ...others] = times.slice(1)
    return {
      promptTokens: ids.length,
      tokens: times.length - 1,
      prefill: (ids.length / (first - started)) * 1000,
      decode: (others.length / ((others.at(-1) ?? NaN) - first)) * 1000,
    }
  },
}

self.onmessage = async ({ data: { kind, ...given } }) => {
  try {
    self.postMessage(await answers[kind](given))
  } catch (error) {
    self.postMessage({ error: String(error.stack ?? error) })
  }
}
