/** The door of the runtime room: the page's side of the worker. */
export { announcer, createDeviceEngine, type DeviceEngine, type DeviceListener } from './device-engine.js'
export { spawnWorker } from './spawn-worker.js'
export { WorkerHost } from './worker-host.js'
export { createWorkerProcessor } from './worker-processor.js'
