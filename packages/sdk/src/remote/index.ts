/** The door of the remote room: engines that answer at an endpoint. */
export { remoteDefaults, type RemoteOptions, type RequestHeaders } from './options.js'
export { createOipEngine, type RemoteEngine } from './oip/oip-engine.js'
