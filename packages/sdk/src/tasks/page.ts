/** The page's door of the tasks room: input checks and preparation only; it must stay small. */
export { batchingOf } from './batching.js'
export { checkInput } from './check-input.js'
export { prepareInput } from './prepare-input.js'
export { assertTaskName, taskNames } from './task-names.js'
export { unitsOf } from './units.js'
