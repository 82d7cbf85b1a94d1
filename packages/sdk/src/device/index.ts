/** The door of the device room. */
export { probeCapabilities } from './probe.js'
export { defaultThreads } from './threads.js'
