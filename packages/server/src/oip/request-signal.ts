/** When a request stops being worth an answer. */
import { EdgewardError } from 'edgeward'
import type { FastifyReply } from 'fastify'

/**
 * Aborts when the client has gone away, with `DEADLINE_EXCEEDED` when the time limit is over, and as `shutdown` does.
 *
 * @param timeLimitMs From now on: the body has been read.
 */
export function requestSignal(reply: FastifyReply, timeLimitMs: number, shutdown: AbortSignal): AbortSignal {
  const controller = new AbortController()
  const tooLate = () => {
    const message = `the request took longer than this endpoint's limit of ${timeLimitMs} ms`
    controller.abort(new EdgewardError('DEADLINE_EXCEEDED', message))
  }
  const timer = setTimeout(tooLate, timeLimitMs).unref()
  const onShutdown = () => controller.abort(shutdown.reason)
  if (shutdown.aborted) onShutdown()
  shutdown.addEventListener('abort', onShutdown, { once: true })
  reply.raw.once('close', () => {
    clearTimeout(timer)
    shutdown.removeEventListener('abort', onShutdown)
    if (!reply.raw.writableFinished) controller.abort(new DOMException('the client has gone away', 'AbortError'))
  })
  return controller.signal
}
