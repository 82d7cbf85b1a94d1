/** Answers every failure in its protocol's shape, with the status that clients act on. */
import { isEdgewardError } from 'edgeward'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { describeFailure, failure, failureBody, type Failure } from './failure.js'

/** Long enough for a run to end, short enough that nobody gives up. */
const retryAfterSeconds = 1

/** What the log says of a client that left before its answer; nobody receives it. Known from nginx. */
const clientClosedRequest = 499

/** Answers whatever is thrown, and addresses that lead nowhere. */
export function addErrorResponses(app: FastifyInstance, { maxBodyBytes }: { maxBodyBytes: number }): void {
  app.setNotFoundHandler(async (request, reply) => {
    const what = `there is nothing at ${request.method} ${pathOf(request)}`
    return reply.code(404).send(failureBody(pathOf(request), failure(404, what)))
  })
  app.addHook('onSend', async ({ raw }, reply) => {
    // Fastify closes the connection after 413, and a client that still sends would lose its answer.
    if (!raw.complete) void reply.removeHeader('Connection')
  })
  app.setErrorHandler(async (thrown, request, reply) => {
    const answer = failureOf(thrown, request, maxBodyBytes)
    log(thrown, answer, request)
    if (answer.status === 503) void reply.header('Retry-After', retryAfterSeconds)
    if (answer.status === 401) void reply.header('WWW-Authenticate', 'Bearer')
    return send(reply, request, answer)
  })
}

function failureOf(thrown: unknown, { servedModel, id }: FastifyRequest, maxBodyBytes: number): Failure {
  if (isEdgewardError(thrown)) return describeFailure(thrown, { model: servedModel?.name, requestId: id })
  if (isAbort(thrown)) return failure(clientClosedRequest, 'the client has gone away')
  const status = statusOf(thrown)
  if (status >= 500) return describeFailure(thrown, { model: servedModel?.name, requestId: id })
  return failure(status, describeHttpError(thrown, status, maxBodyBytes))
}

/** A client's mistake is not logged in words: the message may quote what it sent. */
function log(thrown: unknown, { status }: Failure, { log: logger }: FastifyRequest): void {
  if (status === 500) logger.error({ err: thrown }, 'the request failed')
  else if (status === 400 && isEdgewardError(thrown) && thrown.cause !== undefined) {
    logger.info({ err: thrown.cause }, 'the model refused the values')
  }
}

function send(reply: FastifyReply, request: FastifyRequest, answer: Failure): FastifyReply {
  return reply.code(answer.status).send(failureBody(pathOf(request), answer))
}

function pathOf({ url }: FastifyRequest): string {
  return url.split('?', 1)[0] ?? ''
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
