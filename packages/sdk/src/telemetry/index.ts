/** The door of the telemetry room. */
export { Emitter } from './emitter.js'
export { buildTrace, type TracedAttempt, type TraceRecord } from './trace.js'
