/** Runs a task for one request and times its phases. */
import type { EngineAnswer, TaskContext, TaskName, TensorMap } from '../contract/index.js'
import { EdgewardError, isEdgewardError, messageOf } from '../errors/index.js'
import type { ProcessPayload } from '../transport/index.js'
import { isOutOfMemory } from './thrown.js'
import type { WorkerModel } from './worker-model.js'

/**
 * Runs a graph as a task's `infer` does, on the device or wherever the page says; tells how many milliseconds the run
 * waited for its turn, if it had to.
 */
export type InferInTurn = (
  graph: string,
  inputs: TensorMap,
  outputs: readonly string[] | undefined,
  onWaited: (ms: number) => void,
) => Promise<TensorMap>

/** @throws EdgewardError what a graph or the task itself failed with; INTERNAL when the task threw anything else */
export async function runTask(
  model: WorkerModel,
  { task: name, input, options }: ProcessPayload,
  infer: InferInTurn,
  signal: AbortSignal,
): Promise<EngineAnswer> {
  const task = await model.task(name, signal)
  const started = performance.now()
  let firstTensorAt: number | undefined
  let inferenceMs = 0
  let queueMs = 0
  /** What graphs failed with: also an endpoint's, or an abort. */
  const fromElsewhere = new Set<unknown>()
  const onWaited = (ms: number) => (queueMs += ms)
  const context: TaskContext = {
    manifest: model.manifest,
    signal,
    asset: (role) => model.asset(role, signal),
    async infer(graph, inputs, outputs) {
      signal.throwIfAborted()
      const inferStarted = performance.now()
      firstTensorAt ??= inferStarted
      const waitedBefore = queueMs
      const result = await infer(graph, inputs, outputs, onWaited).catch((error: unknown) => {
        fromElsewhere.add(error)
        throw error
      })
      inferenceMs += performance.now() - inferStarted - (queueMs - waitedBefore)
      return result
    },
  }
  try {
    // The page sent the input of this task; the compiler cannot know which.
    const output = await task.run(input as never, options as never, context)
    const totalMs = performance.now() - started
    const preprocessMs = (firstTensorAt ?? started) - started
    const postprocessMs = totalMs - preprocessMs - inferenceMs - queueMs
    return { output, timings: { preprocessMs, inferenceMs, postprocessMs, ...(queueMs > 0 && { queueMs }) } }
  } catch (error) {
    if (isEdgewardError(error) || signal.aborted || fromElsewhere.has(error)) throw error
    throw taskFailed(name, firstTensorAt === undefined ? 'pre-processing' : 'post-processing', error)
  } finally {
    closePicture(input)
  }
}

/** One request's failure, and no reason to doubt the sessions: they did not take part in it. */
function taskFailed(task: TaskName, phase: 'pre-processing' | 'post-processing', cause: unknown): EdgewardError {
  const code = isOutOfMemory(cause) ? 'OUT_OF_MEMORY' : 'INTERNAL'
  const message = `The ${phase} of the task ${task} failed: ${messageOf(cause)}`
  return new EdgewardError(code, message, { details: { task, phase }, cause })
}

/** A picture that came to the worker is a clone of the caller's; a VideoFrame that nobody closes can stall a camera. */
function closePicture(input: unknown): void {
  const isBitmap = typeof ImageBitmap !== 'undefined' && input instanceof ImageBitmap
  if (isBitmap || (typeof VideoFrame !== 'undefined' && input instanceof VideoFrame)) input.close()
}
