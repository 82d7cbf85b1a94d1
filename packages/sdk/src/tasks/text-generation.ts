/** Text generation is no run with a beginning and an end, but a stream: the worker's `generate` answers, not this task. */
import type { LoadedTask, TaskDefinition } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'

export const textGeneration: TaskDefinition<'text-generation'> = Object.freeze({
  name: 'text-generation',
  load: () => Promise.resolve(streamed),
})

const streamed: LoadedTask<'text-generation'> = {
  run() {
    const message = 'The task text-generation is answered by a stream: this engine, which has none, cannot do it.'
    return Promise.reject(new EdgewardError('UNSUPPORTED_TASK', message, { details: { task: 'text-generation' } }))
  },
}
