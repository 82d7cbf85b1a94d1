/** Runs a built graph with native ONNX Runtime or with that for WebAssembly, piece by piece over a cache. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as native from 'onnxruntime-node'
import * as wasm from 'onnxruntime-web/wasm'
import type { GgufTensor, LlamaModel } from '../../../packages/sdk/src/formats/index.js'

/** Both packages have the types of onnxruntime-common. */
type Session = native.InferenceSession

export interface RunningLlama {
  /** Goes on from what was run before: logits of the last `keep` ids, or of all. */
  run(ids: readonly number[], keep?: number): Promise<Float32Array>
  /** Forgets what was run. */
  reset(): void
  release(): Promise<void>
}

/** The file with the weights, as a whole. */
export function externalData({ weights, externalBytes }: LlamaModel, raw: (tensor: GgufTensor) => Uint8Array) {
  const data = new Uint8Array(externalBytes)
  for (const { make, offset } of weights) data.set(make(raw), offset)
  return data
}

/** @param path As the graph names the file with the weights. */
export async function openLlama(
  model: LlamaModel,
  path: string,
  raw: (tensor: GgufTensor) => Uint8Array,
  on: 'native' | 'wasm' = 'native',
): Promise<RunningLlama> {
  const data = externalData(model, raw)
  const session = on === 'native' ? await openNative(model.graph, path, data) : await openWasm(model.graph, path, data)
  const Tensor = on === 'native' ? native.Tensor : wasm.Tensor
  const empty = () =>
    model.inputs
      .filter(({ name }) => name.startsWith('past'))
      .map(({ name, dtype, shape }) => {
        const dims = shape.map((length) => (typeof length === 'string' ? 0 : length))
        return [
          name,
          new Tensor(
            dtype === 'float16' ? 'float16' : 'float32',
            dtype === 'float16' ? new Uint16Array(0) : new Float32Array(0),
            dims,
          ),
        ] as const
      })
  let past: Record<string, native.Tensor> = Object.fromEntries(empty())
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
    reset: () => {
      past = Object.fromEntries(empty())
      length = 0
    },
    release: () => session.release(),
  }
}

async function openNative(graph: Uint8Array, path: string, data: Uint8Array): Promise<Session> {
  const folder = mkdtempSync(join(tmpdir(), 'edgeward-llama-'))
  try {
    writeFileSync(join(folder, 'model.onnx'), graph)
    writeFileSync(join(folder, path), data)
    return await native.InferenceSession.create(join(folder, 'model.onnx'), {
      logSeverityLevel: 3,
      intraOpNumThreads: 2,
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function openWasm(graph: Uint8Array, path: string, data: Uint8Array): Promise<Session> {
  wasm.env.wasm.numThreads = 1
  wasm.env.logLevel = 'error'
  return wasm.InferenceSession.create(graph, { externalData: [{ path, data }] })
}
