/** Runs a task for one request and times its phases. */
import type { EngineAnswer, TaskContext, TensorMap } from '../contract/index.js'
import type { ProcessPayload } from '../transport/index.js'
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
      const result = await infer(graph, inputs, outputs, onWaited)
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
  } finally {
    closePicture(input)
  }
}

/** A picture that came to the worker is a clone of the caller's; a VideoFrame that nobody closes can stall a camera. */
function closePicture(input: unknown): void {
  if (input instanceof ImageBitmap || (typeof VideoFrame !== 'undefined' && input instanceof VideoFrame)) input.close()
}
