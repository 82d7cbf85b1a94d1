/** Asks ONNX Runtime what a graph takes and gives, and makes its canary. */
import type { Canary, TensorSpec } from 'edgeward/manifest'
import { InferenceSession } from 'onnxruntime-node'
import { makeCanary } from './canary.js'
import { messageOf, PackError } from './pack-error.js'
import type { RecipeCanary } from './recipe.js'

export interface GraphFacts {
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  readonly canary?: Canary
}

/** @param where The graph, for messages. @throws {PackError} when ONNX Runtime cannot load or run it. */
export async function examineGraph(path: string, canary: RecipeCanary | undefined, where: string): Promise<GraphFacts> {
  const session = await createSession(path, where)
  try {
    const specs = {
      inputs: session.inputMetadata.map((metadata) => toSpec(metadata, where)),
      outputs: session.outputMetadata.map((metadata) => toSpec(metadata, where)),
    }
    return canary ? { ...specs, canary: await makeCanary(session, canary, where) } : specs
  } catch (error) {
    if (error instanceof PackError) throw error
    throw new PackError(`${where}: the canary did not run: ${messageOf(error)}`, { cause: error })
  } finally {
    await session.release()
  }
}

async function createSession(path: string, where: string): Promise<InferenceSession> {
  try {
    // Errors only: what the runtime warns about is nothing that a recipe could change.
    return await InferenceSession.create(path, { logSeverityLevel: 3 })
  } catch (cause) {
    throw new PackError(`${where}: ONNX Runtime cannot load it: ${messageOf(cause)}`, { cause })
  }
}

function toSpec(metadata: InferenceSession.ValueMetadata, where: string): TensorSpec {
  if (!metadata.isTensor) throw new PackError(`${where}: "${metadata.name}" is not a tensor, which no task can use`)
  // ONNX Runtime knows more types than a manifest has; the check of the finished manifest refuses the others.
  const dtype = metadata.type as TensorSpec['dtype']
  const shape = metadata.shape.map((length, axis) =>
    length === '' || (typeof length === 'number' && length < 0) ? `${metadata.name}_${axis}` : length,
  )
  return { name: metadata.name, dtype, shape }
}
