/** The peer: bare onnxruntime-web in a module worker, with the build, the threads and the file that Edgeward uses. */
import * as ort from '/sdk/ort/ort.wasm.min.mjs'

let session

const handlers = {
  async load({ url, threads, externalData }) {
    ort.env.wasm.numThreads = threads
    ort.env.wasm.wasmPaths = {
      mjs: '/sdk/ort/ort-wasm-simd-threaded.mjs',
      wasm: '/sdk/ort/ort-wasm-simd-threaded.wasm',
    }
    const mounting = externalData.map(async ({ path, url }) => ({ path, data: await fetchBytes(url) }))
    const [bytes, ...mounted] = await Promise.all([fetchBytes(url), ...mounting])
    session = await ort.InferenceSession.create(bytes, {
      executionProviders: ['wasm'],
      graphOptimizationLevel: 'all',
      externalData: mounted,
    })
  },
  async run(inputs) {
    const feeds = {}
    for (const [name, { dtype, data, shape }] of Object.entries(inputs))
      feeds[name] = new ort.Tensor(dtype, data, shape)
    const results = await session.run(feeds)
    const outputs = {}
    for (const [name, { type, dims, data }] of Object.entries(results))
      outputs[name] = { dtype: type, shape: dims, data }
    return outputs
  },
}

async function fetchBytes(url) {
  return new Uint8Array(await (await fetch(url)).arrayBuffer())
}

self.onmessage = async ({ data: { id, method, argument } }) => {
  const result = await handlers[method](argument)
  const transfer = result ? Object.values(result).map(({ data }) => data.buffer) : []
  self.postMessage({ id, result }, transfer)
}
