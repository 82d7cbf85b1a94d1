/** Runs a graph on ONNX Runtime Web's WASM backend, as a browser does. */
import { dirname, join } from 'node:path'
import type { TensorMap } from 'edgeward/manifest'
import { env, InferenceSession, Tensor } from 'onnxruntime-web'
import { runSession, type GraphPlace } from './open-graph.js'
import { messageOf, PackError } from './pack-error.js'

/** @throws {PackError} when it cannot be loaded or run there. */
export async function runOnWasm({ path, externalData, where }: GraphPlace, inputs: TensorMap): Promise<TensorMap> {
  // Threads are workers that would keep the process alive; they change no numbers.
  env.wasm.numThreads = 1
  const session = await InferenceSession.create(path, {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
    externalData: externalData.map((name) => ({ path: name, data: join(dirname(path), name) })),
    logSeverityLevel: 3,
  }).catch(fail(where, 'load'))
  try {
    return await runSession(session, Tensor, inputs).catch(fail(where, 'run'))
  } finally {
    await session.release()
  }
}

function fail(where: string, what: 'load' | 'run'): (cause: unknown) => never {
  return (cause) => {
    const message = `${where}: ONNX Runtime Web cannot ${what} it on WASM, which its variant names among its backends`
    throw new PackError(`${message}: ${messageOf(cause)}`, { cause })
  }
}
