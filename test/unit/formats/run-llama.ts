/** Runs a built graph with native ONNX Runtime or with that for WebAssembly, piece by piece over a cache. */
import * as native from 'onnxruntime-node'
import * as wasm from 'onnxruntime-web/wasm'
import type { GgufTensor, LlamaModel } from '../../../packages/sdk/src/formats/index.js'

export interface RunningLlama {
  /** Goes on from what was run before: logits of the last `keep` ids, or of all. */
  run(ids: readonly number[], keep?: number): Promise<Float32Array>
  release(): Promise<void>
}

/** @param path As the graph names the file with the weights. */
export async function openLlama(
  model: LlamaModel,
  path: string,
  raw: (tensor: GgufTensor) => Uint8Array,
  on: 'native' | 'wasm' = 'native',
): Promise<RunningLlama> {
  const data = new Uint8Array(model.externalBytes)
  for (const { make, offset } of model.weights) data.set(make(raw), offset)
  if (on === 'wasm') Object.assign(wasm.env.wasm, { numThreads: 1 })
  // Both packages have the interface of onnxruntime-common.
  const { InferenceSession, Tensor } = on === 'native' ? native : wasm
  const session = await InferenceSession.create(model.graph, {
    externalData: [{ path, data }],
    logSeverityLevel: 3,
    intraOpNumThreads: 2,
  })
  const caches = model.inputs.filter(({ name }) => name.startsWith('past'))
  let past: Record<string, native.Tensor> = Object.fromEntries(
    caches.map(({ name, dtype, shape }) => {
      const dims = shape.map((dimension) => (typeof dimension === 'string' ? 0 : dimension))
      const none =
        dtype === 'float16'
          ? new Tensor(dtype, new Uint16Array(0), dims)
          : new Tensor('float32', new Float32Array(0), dims)
      return [name, none]
    }),
  )
  let length = 0
  return {
    run: async (ids, keep = 0) => {
      length += ids.length
      const int64 = (values: readonly number[], dims: readonly number[]) =>
        new Tensor('int64', BigInt64Array.from(values, BigInt), dims)
      const feeds = {
        input_ids: int64(ids, [1, ids.length]),
        attention_mask: int64(new Array<number>(length).fill(1), [1, length]),
        num_logits_to_keep: int64([keep], []),
        ...past,
      }
      const { logits, ...present } = await session.run(feeds)
      past = Object.fromEntries(
        Object.entries(present).map(([name, tensor]) => [name.replace('present', 'past_key_values'), tensor]),
      )
      if (!(logits?.data instanceof Float32Array)) throw new Error('logits are float32')
      return logits.data
    },
    release: () => session.release(),
  }
}
