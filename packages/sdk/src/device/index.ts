/** The door of the device room. */
export { adapterName, browserName } from './identity.js'
export { watchConditions } from './conditions.js'
export { createPageStore, type PageStore } from './page-store.js'
export { probeCapabilities } from './probe.js'
export { defaultThreads } from './threads.js'
