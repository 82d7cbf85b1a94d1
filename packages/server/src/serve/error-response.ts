/** Every failure in the protocol's shape, `{"error": string}`, with the status that clients act on. */
import { isEdgewardError, type EdgewardError, type ErrorCode } from 'edgeward'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** The status of each code that can reach a client; every other code is a failure of the endpoint, 500. */
const statusByCode: Partial<Record<ErrorCode, number>> = {
  INVALID_INPUT: 400,
  UNSUPPORTED_DTYPE: 400,
  REMOTE_UNAUTHORIZED: 401,
  REMOTE_NOT_FOUND: 404,
  REMOTE_OVERLOADED: 503,
  DISPOSED: 503,
  DEADLINE_EXCEEDED: 504,
}

/** Long enough for a run to end, short enough that nobody gives up. */
const retryAfterSeconds = 1

/** What the log says of a client that left before its answer; nobody receives it. Known from nginx. */
const clientClosedRequest = 499

/** Letters of a failure's message. */
const longestMessage = 1000

/** Answers whatever is thrown, and addresses that lead nowhere. */
export function addErrorResponses(app: FastifyInstance, { maxBodyBytes }: { maxBodyBytes: number }): void {
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? ''
    return reply.code(404).send({ error: `there is nothing at ${request.method} ${path}` })
  })
  app.addHook('onSend', async ({ raw }, reply) => {
    // Fastify closes the connection after 413, and a client that still sends would lose its answer.
    if (!raw.complete) void reply.removeHeader('Connection')
  })
  app.setErrorHandler(async (thrown, request, reply) => {
    if (isEdgewardError(thrown)) return answerError(thrown, request, reply)
    if (isAbort(thrown)) return reply.code(clientClosedRequest).send({ error: 'the client has gone away' })
    const status = statusOf(thrown)
    if (status >= 500) return answerUnexpected(thrown, request, reply)
    return reply.code(status).send({ error: describeHttpError(thrown, status, maxBodyBytes) })
  })
}

function answerError(error: EdgewardError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const status = statusByCode[error.code] ?? 500
  // A client's mistake is not logged in words: the message may quote what it sent.
  if (status === 500) return answerUnexpected(error, request, reply)
  if (status === 503) void reply.header('Retry-After', retryAfterSeconds)
  if (error.cause !== undefined && status === 400) return answerRefusedValues(error, request, reply)
  if (status === 401) void reply.header('WWW-Authenticate', 'Bearer')
  return reply.code(status).send({ error: shorten(error.message) })
}

/** What a message quotes may be as long as the request. */
function shorten(message: string): string {
  return message.length <= longestMessage ? message : `${message.slice(0, longestMessage)}…`
}

/** The values are the client's, the reason is ONNX Runtime's: it stays here, as with failures of the endpoint. */
function answerRefusedValues(error: EdgewardError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  request.log.info({ err: error.cause }, 'the model refused the values')
  const what = `model "${request.servedModel?.name ?? ''}" cannot run on these values`
  return reply.code(400).send({ error: `${what}; the endpoint's log has the reason under request id ${request.id}` })
}

/** The client learns what failed; the log learns why, because the reason may hold paths of this machine. */
function answerUnexpected(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  request.log.error({ err: thrown }, 'the request failed')
  const what = isEdgewardError(thrown) ? publicMessage(thrown, request.servedModel?.name) : 'the endpoint failed'
  return reply.code(500).send({ error: `${what}; its log has the reason under request id ${request.id}` })
}

function publicMessage({ code }: EdgewardError, model = ''): string {
  if (code === 'SESSION_FAILED') return `model "${model}" could not be loaded by the endpoint`
  if (code === 'RUN_FAILED') return `model "${model}" failed on these inputs at the endpoint`
  if (code === 'OUTPUT_INVALID') return `model "${model}" gave an output that cannot be sent by the endpoint`
  return 'the endpoint failed'
}

function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'AbortError'
}

function statusOf(thrown: unknown): number {
  const status = thrown instanceof Error && 'statusCode' in thrown ? thrown.statusCode : 500
  return typeof status === 'number' && status >= 400 ? status : 500
}

function describeHttpError(thrown: unknown, status: number, maxBodyBytes: number): string {
  if (status === 413) return `the request's body is larger than the ${maxBodyBytes} bytes that this endpoint takes`
  if (status === 416) return 'the range lies outside the file'
  return thrown instanceof Error ? thrown.message : 'the request cannot be understood'
}
