/** The door of the weights room. */
export { canaryTensor } from './canary-tensor.js'
export { fileUrl, loadManifest } from './sources.js'
export type { CacheListener } from './model-loads.js'
export { openWeightsStore, type ModelAdmission, type WeightsStore } from './weights-store.js'
