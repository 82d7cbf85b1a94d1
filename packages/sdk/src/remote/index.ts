/** The door of the remote room: engines that answer at an endpoint. */
export { remoteDefaults, type RemoteOptions } from './options.js'
export type { ReportedLoad } from './load-report.js'
export { createOipEngine } from './oip/oip-engine.js'
