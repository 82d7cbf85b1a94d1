/** The door of the weights room. */
export { canaryTensor } from './canary-tensor.js'
export { parseManifest } from './manifest.js'
export { fileUrl, loadManifest } from './sources.js'
export { openWeightsStore, type LoadFileOptions, type WeightsStore } from './weights-store.js'
