/** Opens a graph with native ONNX Runtime, which also tells what it takes and gives. */
import type { TensorSpec } from 'edgeward/manifest'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { runSession, type GraphPlace, type OpenGraph } from './open-graph.js'
import { messageOf, PackError } from './pack-error.js'

/** @throws {PackError} when ONNX Runtime cannot load it. */
export async function openNatively({ path, where }: GraphPlace): Promise<OpenGraph> {
  const session = await createSession(path, where)
  return {
    inputs: session.inputMetadata.map((metadata) => toSpec(metadata, where)),
    outputs: session.outputMetadata.map((metadata) => toSpec(metadata, where)),
    run: (inputs) => runSession(session, Tensor, inputs),
    release: () => session.release(),
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
