/** The door `@edgeward/server/pack`: makes a model's manifest and files from its recipe. */
export { packGguf, type PackGgufOptions } from './pack/pack-gguf.js'
export { pack, type PackOptions, type PackResult } from './pack/pack-model.js'
export { PackError } from './pack/pack-error.js'
export { describeProgress, type PackProgress } from './pack/progress.js'
