/** The door of the transport room. */
export { connect, workerStartMs, type Connection } from './connect.js'
export {
  modelKey,
  type CacheActions,
  type DownloadPayload,
  type LiveResources,
  type ModelKey,
  type PrepareEvent,
  type PreparePayload,
  type ProcessPayload,
  type RunPayload,
} from './protocol.js'
export { serve, type CallContext, type WorkerHandlers } from './serve.js'
