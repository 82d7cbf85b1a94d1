/** When a request stops being worth an answer. */
import { EdgewardError } from 'edgeward'
import type { FastifyReply } from 'fastify'

/** How long a request may take, in milliseconds, from now on: its body has been read. */
export interface TimeLimits {
  readonly endpointMs: number
  /** What the request itself says, in its parameter `timeout`. */
  readonly requestMs: number | undefined
}

/** Until when a request is worth an answer. */
export interface RequestWatch {
  readonly signal: AbortSignal
  /** Its time begins anew: a part of its answer has come. */
  restart(): void
}

/**
 * Its signal aborts when the client has gone away, with `DEADLINE_EXCEEDED` when either limit is over, and as `shutdown` does.
 */
export function watchRequest(reply: FastifyReply, limits: TimeLimits, shutdown: AbortSignal): RequestWatch {
  const controller = new AbortController()
  const { endpointMs, requestMs = Infinity } = limits
  const tooLate = () => {
    const whose = requestMs < endpointMs ? 'its own' : "this endpoint's"
    const message = `the request took longer than ${whose} limit of ${Math.min(requestMs, endpointMs)} ms`
    controller.abort(new EdgewardError('DEADLINE_EXCEEDED', message))
  }
  const timer = setTimeout(tooLate, Math.min(requestMs, endpointMs)).unref()
  const onShutdown = () => controller.abort(shutdown.reason)
  if (shutdown.aborted) onShutdown()
  shutdown.addEventListener('abort', onShutdown, { once: true })
  reply.raw.once('close', () => {
    clearTimeout(timer)
    shutdown.removeEventListener('abort', onShutdown)
    if (!reply.raw.writableFinished) controller.abort(new DOMException('the client has gone away', 'AbortError'))
  })
  return { signal: controller.signal, restart: () => void timer.refresh() }
}
