/** The door of the telemetry room. */
export { compareOutputs, type Comparison } from './compare-outputs.js'
export { Emitter } from './emitter.js'
export { Measurements } from './measurements.js'
export { buildTrace, type TracedAttempt, type TraceRecord } from './trace.js'
