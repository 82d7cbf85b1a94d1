/** The door of the runtime room: the page's side of the worker. */
export { Batcher } from './batcher.js'
export {
  createDeviceEngine,
  type DeviceEngine,
  type DeviceEngineOptions,
  type RequestBatching,
} from './device-engine.js'
export { announcer, type DeviceListener, type MemoryBudget } from './make-ready.js'
export { spawnWorker } from './spawn-worker.js'
export { WorkerHost, type WorkerHostOptions } from './worker-host.js'
export { createWorkerProcessor } from './worker-processor.js'
