/** Says in sentences what went wrong and what to do about it. */
import { isEdgewardError, type ErrorCode } from 'edgeward'

export interface ExplainedError {
  readonly sentence: string
  readonly advice: string
  /** For the small print. */
  readonly code: string
  readonly message: string
}

type Explanation = readonly [sentence: string, advice: string]

const unreachable: Explanation = [
  'The endpoint does not answer.',
  'Check that it is running and that you are online, or switch to Automatic or Device only.',
]
const endpointFailed: Explanation = [
  'The endpoint answered with an error.',
  'Try again in a moment, or switch to Automatic or Device only.',
]
const deviceFailed: Explanation = [
  'This device could not run the model.',
  'Close other tabs to free memory and try again, or switch to Automatic.',
]
const brokenModel: Explanation = [
  'The model’s files on the server are damaged or missing.',
  'Nothing unverified was run. Prepare the models again, then reload this page.',
]

const explanations: { readonly [C in ErrorCode]?: Explanation } = {
  DOWNLOAD_FAILED: [
    'The model could not be downloaded.',
    'Check your connection and try again: what has arrived is kept, and the download goes on from there.',
  ],
  MANIFEST_NOT_FOUND: brokenModel,
  MANIFEST_INVALID: brokenModel,
  INTEGRITY: brokenModel,
  INVALID_INPUT: ['This could not be read.', 'Choose another file: a text, or a picture that your browser can open.'],
  DEADLINE_EXCEEDED: [
    'No answer came in time.',
    'You wanted it sooner than it could be had: give it more time under “Try it”, or try again.',
  ],
  DEVICE_UNSUPPORTED: ['This browser does not let models run here.', 'Switch to Automatic, or use another browser.'],
  REMOTE_UNREACHABLE: unreachable,
  REMOTE_UNAUTHORIZED: ['The endpoint refused access.', 'It asks for credentials that this page does not have.'],
  REMOTE_NOT_FOUND: ['The endpoint does not have this model.', 'Switch to Automatic or Device only.'],
  REMOTE_OVERLOADED: ['The endpoint is busy.', 'Try again in a moment, or switch to Device only.'],
  REMOTE_REJECTED: endpointFailed,
  REMOTE_FAILED: endpointFailed,
  REMOTE_MALFORMED: endpointFailed,
  WORKER_UNAVAILABLE: deviceFailed,
  WORKER_DIED: deviceFailed,
  BACKEND_UNAVAILABLE: deviceFailed,
  RUNTIME_FAILED: deviceFailed,
  SESSION_FAILED: deviceFailed,
  CANARY_FAILED: deviceFailed,
  GPU_LOST: deviceFailed,
  OUT_OF_MEMORY: deviceFailed,
  RUN_FAILED: deviceFailed,
  ALL_PLACEMENTS_FAILED: [
    'Neither this device nor the endpoint could answer.',
    'Check your connection and try again. “Why there” lists what was tried.',
  ],
  NO_PLACEMENT: ['Nothing can answer in this mode.', 'Switch to Automatic.'],
}

const unexpected: Explanation = ['Something unexpected went wrong.', 'Try again; if it stays, reload this page.']

export function explainError(error: unknown): ExplainedError {
  if (!isEdgewardError(error)) return explained(unexpected, 'UNEXPECTED', String(error))
  return explained(explanations[error.code] ?? unexpected, error.code, error.message)
}

function explained([sentence, advice]: Explanation, code: string, message: string): ExplainedError {
  return { sentence, advice, code, message }
}
