/** The tasks by name. Each one's code is fetched when a model that needs it is loaded, and not before. */
import type { LoadedTask, TaskContext, TaskDefinition, TaskName } from '../contract/index.js'
import { toEdgewardError } from '../errors/index.js'
import { checkInput } from './check-input.js'
import { assertTaskName } from './task-names.js'

type Registry = { readonly [T in TaskName]: TaskDefinition<T> }

/** Every task. A new one is one line here, one in `task-names.ts`, and one file. */
export const registry: Registry = Object.freeze({
  tensors: lazily('tensors', async () => (await import('./tensors.js')).tensors),
  'feature-extraction': lazily(
    'feature-extraction',
    async () => (await import('./feature-extraction/index.js')).featureExtraction,
  ),
  'image-to-text': lazily('image-to-text', async () => (await import('./image-to-text/index.js')).imageToText),
  'text-generation': lazily('text-generation', async () => (await import('./text-generation.js')).textGeneration),
})

/**
 * The task called `name`.
 *
 * @throws EdgewardError `UNSUPPORTED_TASK` when there is none.
 */
export function taskNamed<T extends TaskName>(name: T): TaskDefinition<T> {
  assertTaskName(name)
  return registry[name]
}

/** A definition that fetches its code in `load` and checks every request's input. */
function lazily<T extends TaskName>(name: T, importTask: () => Promise<TaskDefinition<T>>): TaskDefinition<T> {
  const load = async (context: Pick<TaskContext, 'manifest' | 'asset'>): Promise<LoadedTask<T>> => {
    const definition = await importTask().catch((cause: unknown) => {
      throw toEdgewardError(cause, 'RUNTIME_FAILED', `The code of the task "${name}" could not be loaded`)
    })
    const loaded = await definition.load(context)
    return {
      async run(input, options, requestContext) {
        checkInput(name, input)
        return loaded.run(input, options, requestContext)
      },
    }
  }
  return Object.freeze({ name, load })
}
