/** One ONNX Runtime session: made from a graph and its weights, fed and read with Edgeward's tensors. */
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-web'
import type { Backend, Graph, Tensor, TensorMap } from '../contract/index.js'
import { EdgewardError, messageOf, type ErrorCode } from '../errors/index.js'
import { neverAborted } from '../shared/index.js'
import { isLost } from './gpu-owner.js'
import { sessionInput, type GraphFiles, type SessionInput } from './graph-files.js'
import type { Turn } from './lane-queue.js'
import type { Runtime } from './runtime-build.js'

export interface GraphSession {
  /** Runs the graph when it is its turn. Outputs are copies that the caller owns. */
  run(inputs: TensorMap, outputs: readonly string[], turn: Turn): Promise<TensorMap>
  release(): Promise<void>
}

export interface SessionOptions {
  readonly runtime: Runtime
  readonly graph: Graph
  readonly backend: Backend
  /** The device of the `webgpu` backend. */
  readonly gpu?: GPUDevice
  /** Of the creation. */
  readonly turn: Turn
}

/**
 * Creates a session, with chunks let go as they are read; if ONNX Runtime reads some again, once more without that.
 *
 * @throws EdgewardError SESSION_FAILED, OUT_OF_MEMORY
 */
export async function createSession(
  files: GraphFiles,
  reload: () => Promise<GraphFiles>,
  options: SessionOptions,
): Promise<GraphSession> {
  const input = sessionInput(options.graph, files, false)
  try {
    return await createGraphSession(input, options)
  } catch (error) {
    if (!input.isReadAgain) throw error
    return createGraphSession(sessionInput(options.graph, await reload(), true), options)
  }
}

/** Creates a session as it is told to. The input is used up by it. */
export async function createGraphSession(input: SessionInput, options: SessionOptions): Promise<GraphSession> {
  const { runtime, graph, backend, gpu, turn } = options
  const where = `${graph.file.path} on ${backend}`
  const session = await runtime.queue.run(turn, () =>
    runtime.ort.InferenceSession.create(input.model, {
      executionProviders: [executionProvider(backend, gpu)],
      graphOptimizationLevel: 'all',
      externalData: input.externalData,
    }).catch((error: unknown) => {
      throw normalise(error, 'SESSION_FAILED', `No session could be made of ${where}`)
    }),
  )
  return {
    run: (inputs, outputs, runTurn) =>
      runtime.queue.run(runTurn, () =>
        runSession(session, runtime, inputs, outputs).catch(async (error: unknown) => {
          const code = gpu && (await isLost(gpu)) ? 'GPU_LOST' : 'RUN_FAILED'
          throw normalise(error, code, `The run of ${where} failed`)
        }),
      ),
    // What is released makes room: it does not wait for the background.
    release: () => runtime.queue.run({ ...turn, lane: 'default', signal: neverAborted() }, () => session.release()),
  }
}

function executionProvider(backend: Backend, gpu: GPUDevice | undefined): InferenceSession.ExecutionProviderConfig {
  if (backend === 'wasm') return 'wasm'
  // The device is ours, so that its loss is ours to see.
  return gpu === undefined ? 'webgpu' : { name: 'webgpu', device: gpu }
}

async function runSession(
  session: InferenceSession,
  { ort }: Runtime,
  inputs: TensorMap,
  outputs: readonly string[],
): Promise<TensorMap> {
  const feeds: Record<string, OrtTensor> = {}
  for (const [name, { dtype, data, shape }] of Object.entries(inputs)) {
    // Edgeward's dtypes are ONNX Runtime's, but its constructor is overloaded by dtype.
    feeds[name] = new ort.Tensor(dtype as 'float32', data as Float32Array, shape)
  }
  const results = await session.run(feeds, [...outputs])
  const read: Record<string, Tensor> = {}
  for (const name of outputs) {
    const result = results[name]
    if (result !== undefined) read[name] = fromOrt(result)
    result?.dispose()
  }
  return read
}

function fromOrt({ type, dims, data }: OrtTensor): Tensor {
  const plain: unknown =
    // Where the browser has Float16Array, ONNX Runtime answers with it; Edgeward's float16 is its bits.
    type === 'float16' && ArrayBuffer.isView(data) && !(data instanceof Uint16Array)
      ? new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2)
      : data
  return { dtype: type, shape: dims, data: plain } as Tensor
}

/** ONNX Runtime throws errors, strings and bare numbers (an Emscripten exception's address). */
function normalise(thrown: unknown, code: ErrorCode, context: string): EdgewardError {
  const message = messageOf(thrown)
  const outOfMemory =
    /bad_alloc|out of memory|Array buffer allocation failed|Invalid array length|Out of bounds memory/i
  const finalCode = outOfMemory.test(message) || thrown instanceof RangeError ? 'OUT_OF_MEMORY' : code
  return new EdgewardError(finalCode, `${context}: ${message}`, { cause: thrown })
}
