/** The door of the remote room: engines that answer at an endpoint. */
export { canAnswer } from './can-answer.js'
export {
  remoteDefaults,
  type Continuation,
  type OipRemoteOptions,
  type OpenAiRemoteOptions,
  type OpenAiServer,
  type RemoteOptions,
} from './options.js'
export type { ReportedLoad } from './load-report.js'
export { createOipEngine } from './oip/oip-engine.js'
export { createOpenAiEngine } from './openai/openai-engine.js'
