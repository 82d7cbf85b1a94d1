/** Does other engines' pre- and post-processing in the worker. */
import type { EngineAnswer, EngineRequest, Processor, TaskContext, TaskName } from '../contract/index.js'
import { sourceOf } from './model-source.js'
import type { WorkerHost } from './worker-host.js'

export function createWorkerProcessor(host: WorkerHost): Processor {
  return {
    async run<T extends TaskName>(request: EngineRequest<T>, infer: TaskContext['infer'], signal: AbortSignal) {
      const { task, input, options } = request
      // Nothing of the request has been used when its worker dies: a fresh one does it all again.
      return host.onceMore(async ({ connection, models }) => {
        const model = await models.register(sourceOf(request))
        // The worker answers with the output of the task it was asked for.
        return (await connection.call('process', { model, task, input, options }, { signal, infer })) as EngineAnswer<T>
      })
    },
  }
}
