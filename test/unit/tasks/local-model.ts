/** Answers a task's `infer` with onnxruntime-node on the models that `scripts/prepare-models.mjs` put into `.models/`. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import type { Manifest, TaskContext, Tensor, TensorMap } from '../../../packages/sdk/src/contract/index.js'
import { neverAborted } from '../../../packages/sdk/src/shared/index.js'

/** A task's context whose graphs run natively, and the sizes of the batches that it was asked for. */
export interface LocalModel extends TaskContext {
  /** Graph and first input's shape of each call of `infer`. */
  readonly calls: { readonly graph: string; readonly shape: readonly number[] }[]
  dispose(): Promise<void>
}

/** Opens the first variant of a prepared model. */
export async function openLocalModel(id: string): Promise<LocalModel> {
  const folder = fileURLToPath(new URL(`../../../.models/${id}/`, import.meta.url))
  const manifest = JSON.parse(await readFile(`${folder}manifest.json`, 'utf8')) as Manifest
  const sessions = new Map<string, InferenceSession>()
  for (const [name, { file }] of Object.entries(manifest.variants[0].graphs)) {
    sessions.set(name, await InferenceSession.create(`${folder}${file.path}`, { intraOpNumThreads: 2 }))
  }
  const calls: LocalModel['calls'] = []
  return {
    manifest,
    signal: neverAborted(),
    calls,
    async asset(role) {
      const file = manifest.assets[role]
      if (file === undefined) throw new Error(`no asset ${role}`)
      return new Uint8Array(await readFile(`${folder}${file.path}`))
    },
    async infer(graph, inputs, outputs) {
      const session = sessions.get(graph)
      if (session === undefined) throw new Error(`no graph ${graph}`)
      calls.push({ graph, shape: Object.values(inputs)[0]?.shape ?? [] })
      return run(session, inputs, outputs)
    },
    async dispose() {
      for (const session of sessions.values()) await session.release()
    },
  }
}

async function run(session: InferenceSession, inputs: TensorMap, outputs?: readonly string[]): Promise<TensorMap> {
  const feeds = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, toOrt(tensor)]))
  const results = await session.run(feeds, [...(outputs ?? session.outputNames)])
  return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, fromOrt(tensor)]))
}

/** Only the dtypes that these models take and give. */
function toOrt({ dtype, shape, data }: Tensor): OrtTensor {
  if (dtype === 'float32') return new OrtTensor('float32', data, shape)
  if (dtype === 'int64') return new OrtTensor('int64', data, shape)
  throw new Error(`these models take no ${dtype}`)
}

function fromOrt({ type, dims, data }: OrtTensor): Tensor {
  if (type === 'float32' && data instanceof Float32Array) return { dtype: 'float32', shape: dims, data }
  throw new Error(`these models give no ${type}`)
}
