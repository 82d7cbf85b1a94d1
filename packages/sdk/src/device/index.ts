/** The door of the device room. */
export { adapterName, browserName } from './identity.js'
export { watchConditions, type ConditionsWatch } from './conditions.js'
export { probeCapabilities } from './probe.js'
export { defaultThreads } from './threads.js'
