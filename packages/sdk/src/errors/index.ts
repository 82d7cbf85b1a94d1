/** The door of the errors room. */
export { errorRules, type ErrorCode, type Fallback } from './codes.js'
export {
  EdgewardError,
  isAbortError,
  isEdgewardError,
  messageOf,
  toEdgewardError,
  type ErrorDetails,
} from './edgeward-error.js'
