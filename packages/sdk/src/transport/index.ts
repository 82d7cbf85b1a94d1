/** The door of the transport room. */
export { connect, workerStartMs, type CallOptions, type CloseListener, type Connection } from './connect.js'
export {
  modelKey,
  type AddPayload,
  type CacheActions,
  type ConfigurePayload,
  type DownloadPayload,
  type GeneratePayload,
  type LiveResources,
  type LocateFrom,
  type LocatePayload,
  type MethodResult,
  type ModelKey,
  type Payload,
  type PrepareEvent,
  type PreparePayload,
  type ProcessPayload,
  type RecalledMeasurements,
  type RememberPayload,
  type RunPayload,
  type UpdateOutcome,
  type UpdatePayload,
  type Vitals,
  type WorkerMethod,
} from './protocol.js'
export { askToken, offerToken, type HubToken } from './token-port.js'
export { serve, type CallContext, type WorkerHandlers } from './serve.js'
