/** The door of the file that {@link loadGeneration} loads: all of the worker's code that only language models need. */
export { languageModelLayout } from '../weights/index.js'
export { draftGguf, locateGguf } from './gguf-draft.js'
export { openLanguageModel } from './generation-model.js'
