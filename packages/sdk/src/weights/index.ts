/** The door of the weights room. */
export { canaryTensor } from './canary-tensor.js'
export { fileUrl, loadManifest } from './sources.js'
export { openWeightsStore, type WeightsStore } from './weights-store.js'
