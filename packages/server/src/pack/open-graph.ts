/** A graph that can be run, natively or on WASM, with Edgeward's tensors. */
import type { Tensor, TensorMap, TensorSpec } from 'edgeward/manifest'
import type { InferenceSession, Tensor as OrtTensor, TensorConstructor } from 'onnxruntime-node'

/** Where a graph lies. */
export interface GraphPlace {
  /** Its file; the files with its weights lie beside it, under the names that it has for them. */
  readonly path: string
  /** The names of these files, relative to the graph's folder. */
  readonly externalData: readonly string[]
  /** The graph's name, for messages. */
  readonly where: string
}

export interface OpenGraph {
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  /** Gives all outputs. */
  run(inputs: TensorMap): Promise<TensorMap>
  release(): Promise<void>
}

/** Runs a session of either runtime; `Tensor` is that runtime's own class. */
export async function runSession(
  session: InferenceSession,
  Tensor: TensorConstructor,
  inputs: TensorMap,
): Promise<TensorMap> {
  const feeds: Record<string, OrtTensor> = {}
  for (const [name, { dtype, data, shape }] of Object.entries(inputs)) {
    // Edgeward's dtypes are ONNX Runtime's, but its constructor is overloaded by dtype.
    feeds[name] = new Tensor(dtype as 'float32', data as Float32Array, shape)
  }
  const results = await session.run(feeds)
  return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, fromOrt(tensor)]))
}

function fromOrt({ type, dims, data }: OrtTensor): Tensor {
  const plain: unknown =
    // Where Node has Float16Array, ONNX Runtime answers with it; Edgeward's float16 is its bits.
    type === 'float16' && ArrayBuffer.isView(data) && !(data instanceof Uint16Array)
      ? new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2)
      : data
  return { dtype: type, shape: dims, data: plain } as Tensor
}
