/** What an engine without a worker of its own needs to answer tasks: somebody who runs them. */
import type { EngineAnswer, EngineRequest } from './engine.js'
import type { TaskContext, TaskName } from './task.js'

/** Runs the pre- and post-processing of tasks, in the worker, for an engine that runs only graphs. */
export interface Processor {
  /**
   * Answers a request, calling `infer` for every run of a graph. The request has the model's source. The answer's timings are
   * of the processor's own phases; the engine adds those of `infer`.
   */
  run<T extends TaskName>(
    request: EngineRequest<T>,
    infer: TaskContext['infer'],
    signal: AbortSignal,
  ): Promise<EngineAnswer<T>>
}
