/** What compares two answers to the same request: loaded when there are two. */
export { compareOutputs } from '../telemetry/index.js'
