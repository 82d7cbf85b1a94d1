/** The door of the weights room. */
export { canaryTensor } from './canary-tensor.js'
export { fileUrl, loadManifest } from './sources.js'
export type { ChunkedFile } from './chunked-file.js'
export type { CacheListener } from './model-loads.js'
export { neededFiles } from './model-record.js'
export { openWeightsStore, type LoadFileOptions, type ModelAdmission, type WeightsStore } from './weights-store.js'
