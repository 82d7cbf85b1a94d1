/** The names of the tasks, and the check that a name is one of them. */
import type { TaskName } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { nearestName } from '../shared/index.js'

const names: Readonly<Record<TaskName, true>> = {
  tensors: true,
  'feature-extraction': true,
  'image-to-text': true,
  'text-generation': true,
}

/** Every task's name. */
export const taskNames = Object.freeze(Object.keys(names) as TaskName[]) // The compiler checks the keys above.

/**
 * Makes sure that `name` is a task's name.
 *
 * @throws EdgewardError `UNSUPPORTED_TASK` with every name, and the nearest one when `name` looks like a typing error.
 */
export function assertTaskName(name: string): asserts name is TaskName {
  if (Object.hasOwn(names, name)) return
  const nearest = nearestName(name, taskNames)
  const hint = nearest === undefined ? '' : ` Did you mean "${nearest}"?`
  throw new EdgewardError(
    'UNSUPPORTED_TASK',
    `There is no task "${name}".${hint} The tasks are ${taskNames.map((known) => `"${known}"`).join(', ')}.`,
    { details: { task: name, tasks: taskNames, ...(nearest !== undefined && { nearest }) } },
  )
}
