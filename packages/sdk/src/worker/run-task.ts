/** Runs a task for one request and times its phases. */
import type { EngineAnswer, TaskContext } from '../contract/index.js'
import type { ProcessPayload } from '../transport/index.js'
import type { WorkerModel } from './worker-model.js'

/** @param infer - runs a graph, on the device or wherever the page says */
export async function runTask(
  model: WorkerModel,
  { task: name, input, options }: ProcessPayload,
  infer: TaskContext['infer'],
  signal: AbortSignal,
): Promise<EngineAnswer> {
  const task = await model.task(name, signal)
  const started = performance.now()
  let firstTensorAt: number | undefined
  let inferenceMs = 0
  const context: TaskContext = {
    manifest: model.manifest,
    signal,
    asset: (role) => model.asset(role, signal),
    async infer(graph, inputs, outputs) {
      signal.throwIfAborted()
      const inferStarted = performance.now()
      firstTensorAt ??= inferStarted
      const result = await infer(graph, inputs, outputs)
      inferenceMs += performance.now() - inferStarted
      return result
    },
  }
  try {
    // The page sent the input of this task; the compiler cannot know which.
    const output = await task.run(input as never, options as never, context)
    const totalMs = performance.now() - started
    const preprocessMs = (firstTensorAt ?? started) - started
    return { output, timings: { preprocessMs, inferenceMs, postprocessMs: totalMs - preprocessMs - inferenceMs } }
  } finally {
    closePicture(input)
  }
}

/** A picture that came to the worker is a clone of the caller's; a VideoFrame that nobody closes can stall a camera. */
function closePicture(input: unknown): void {
  if (input instanceof ImageBitmap || (typeof VideoFrame !== 'undefined' && input instanceof VideoFrame)) input.close()
}
