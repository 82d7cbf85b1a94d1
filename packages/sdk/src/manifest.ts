/** The door `edgeward/manifest`: reading and checking manifests, without the rest of the SDK. */
export type {
  Backend,
  Canary,
  CanaryInput,
  CanaryOutput,
  Graph,
  Manifest,
  ManifestFile,
  ModelCost,
  Provenance,
  Tensor,
  TensorMap,
  TensorSpec,
  Variant,
  VariantDtype,
} from './contract/index.js'
export { countParameters, type ParameterCount } from './formats/index.js'
export { float16Value } from './shared/index.js'
export { canaryTensor } from './weights/canary-tensor.js'
export { compareCanary, type CanaryMismatch } from './weights/compare-canary.js'
export { describeIssue } from './weights/describe-issue.js'
export { parseManifest } from './weights/manifest.js'
export {
  backendsSchema,
  canaryInputSchema,
  configSchema,
  countSchema,
  idSchema,
  manifestSchema,
  pathSchema,
  sha256Schema,
  taskSchema,
  textSchema,
  toleranceSchema,
  variantDtypeSchema,
} from './weights/manifest-schema.js'
