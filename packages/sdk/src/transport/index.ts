/** The door of the transport room. */
export { connect, workerStartMs, type CallOptions, type Connection } from './connect.js'
export {
  modelKey,
  type Infer,
  type LiveResources,
  type LocatePayload,
  type MethodResult,
  type ModelKey,
  type Payload,
  type PrepareEvent,
  type PreparePayload,
  type ProcessPayload,
  type RunPayload,
  type WorkerMethod,
} from './protocol.js'
export { serve, type CallContext, type WorkerHandlers } from './serve.js'
