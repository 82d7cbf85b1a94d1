/** The door of the shared room: small things with no opinion. */
export { abortable, neverAborted } from './abort.js'
export { createDeferred, type Deferred } from './deferred.js'
export { fitLine, type Line, type WeightedPoint } from './fit-line.js'
export { float16Bits, float16Value } from './float16.js'
export { absoluteModelName, isGgufUrl, splitModelName, type ModelName } from './model-name.js'
export { nearestName } from './nearest-name.js'
export { SingleFlight } from './single-flight.js'
export { weightedMedian, weightedQuantile, type Weighted } from './weighted-quantile.js'
