/** What a failure is for a client: its status, and what may be said of it. The log has the rest. */
import { isEdgewardError, type EdgewardError, type ErrorCode } from 'edgeward'

export interface Failure {
  readonly status: number
  readonly message: string
  /** OpenAI's kinds of errors. */
  readonly type: 'invalid_request_error' | 'server_error'
  /** The field that is wrong, where one is. */
  readonly param: string | null
  /** A word for programs, in OpenAI's spelling where OpenAI has one. */
  readonly code: string | null
}

interface Asked {
  /** The model's name, where it is known. */
  readonly model: string | undefined
  readonly requestId: string
}

/** The status of each code that can reach a client; every other code is a failure of the endpoint, 500. */
const statusByCode: Partial<Record<ErrorCode, number>> = {
  INVALID_INPUT: 400,
  UNSUPPORTED_DTYPE: 400,
  UNSUPPORTED_TASK: 400,
  CONTEXT_OVERFLOW: 400,
  MODEL_UNSUPPORTED: 400,
  REMOTE_UNAUTHORIZED: 401,
  REMOTE_NOT_FOUND: 404,
  REMOTE_OVERLOADED: 503,
  DISPOSED: 503,
  DEADLINE_EXCEEDED: 504,
}

const wordByCode: Partial<Record<ErrorCode, string>> = {
  CONTEXT_OVERFLOW: 'context_length_exceeded',
  REMOTE_UNAUTHORIZED: 'invalid_api_key',
  REMOTE_NOT_FOUND: 'model_not_found',
  REMOTE_OVERLOADED: 'overloaded',
  DISPOSED: 'shutting_down',
  DEADLINE_EXCEEDED: 'timeout',
}

/** Letters of a failure's message. */
const longestMessage = 1000

/** Of an EdgewardError; of anything else, only that the endpoint failed. */
export function describeFailure(thrown: unknown, asked: Asked): Failure {
  const status = isEdgewardError(thrown) ? (statusByCode[thrown.code] ?? 500) : 500
  const code = isEdgewardError(thrown) ? (wordByCode[thrown.code] ?? null) : null
  return failure(status, describe(thrown, status, asked), code, isEdgewardError(thrown) ? paramOf(thrown) : null)
}

export function failure(
  status: number,
  message: string,
  code: string | null = null,
  param: string | null = null,
): Failure {
  const type = status >= 500 ? 'server_error' : 'invalid_request_error'
  return { status, message: shorten(message), type, param, code }
}

/** The body of an answer: in OpenAI's shape for OpenAI's routes, else in that of the Open Inference Protocol. */
export function failureBody(path: string, { status: _, ...told }: Failure): object {
  return { error: path.startsWith('/v1/') ? told : told.message }
}

function describe(thrown: unknown, status: number, { model = '', requestId }: Asked): string {
  if (!isEdgewardError(thrown)) return `the endpoint failed; its log has the reason under request id ${requestId}`
  if (status >= 500 && status < 503) {
    return `${publicMessage(thrown, model)}; its log has the reason under request id ${requestId}`
  }
  if (thrown.cause === undefined || status !== 400) return thrown.message
  // The values are the client's, the reason is ONNX Runtime's: it stays here, as with failures of the endpoint.
  return `model "${model}" cannot run on these values; the endpoint's log has the reason under request id ${requestId}`
}

/** The client learns what failed; the log learns why, because the reason may hold paths of this machine. */
function publicMessage({ code }: EdgewardError, model: string): string {
  if (code === 'SESSION_FAILED') return `model "${model}" could not be loaded by the endpoint`
  if (code === 'RUN_FAILED') return `model "${model}" failed on these inputs at the endpoint`
  if (code === 'OUTPUT_INVALID') return `model "${model}" gave an output that cannot be sent by the endpoint`
  return 'the endpoint failed'
}

/** What a message quotes may be as long as the request. */
function shorten(message: string): string {
  return message.length <= longestMessage ? message : `${message.slice(0, longestMessage)}…`
}

function paramOf({ code, details }: EdgewardError): string | null {
  const { param } = details
  if (typeof param === 'string') return param
  return code === 'REMOTE_NOT_FOUND' ? 'model' : null
}
