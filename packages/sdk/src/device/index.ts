/** The door of the device room. */
export { CrashSentinel, type Leftover, type LoadingPhase } from './crash-sentinel.js'
export { adapterName, browserName } from './identity.js'
export { watchConditions } from './conditions.js'
export { watchPageLife, type PageLifeListener } from './page-life.js'
export { createPageStore, type PageStore } from './page-store.js'
export { probeCapabilities } from './probe.js'
export { defaultThreads } from './threads.js'
