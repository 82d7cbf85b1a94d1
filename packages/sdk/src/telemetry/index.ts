/** The door of the telemetry room. */
export { Emitter } from './emitter.js'
