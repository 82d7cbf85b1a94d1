/** How long an answer is waited for, where it comes bit by bit: each wait has its own limit, and what is not waited for has none. */
import { EdgewardError } from '../errors/index.js'

/** Of one request. Its signal aborts, with the error to throw, when a wait took too long. */
export class Patience {
  readonly #url: string
  readonly #deadlineAt: number
  readonly #controller = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param deadlineAt - when the answer is worth nothing any more, by `performance.now()` */
  constructor(url: string, deadlineAt = Infinity) {
    this.#url = url
    this.#deadlineAt = deadlineAt
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Begins a wait, which ends with {@link stop}. */
  wait(limitMs: number): void {
    this.stop()
    const leftMs = this.#deadlineAt - performance.now()
    const isUrgent = leftMs < limitMs
    const end = () => this.#controller.abort(isUrgent ? tooLate(this.#url) : timedOut(this.#url, limitMs))
    this.#timer = setTimeout(end, Math.max(0, Math.ceil(isUrgent ? leftMs : limitMs)))
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}

export function timedOut(url: string, timeoutMs: number): EdgewardError {
  const message = `${url} said nothing, or did not answer completely, within ${timeoutMs} ms`
  return new EdgewardError('REMOTE_UNREACHABLE', message, { details: { url, timeoutMs, reason: 'timeout' } })
}

export function tooLate(url: string): EdgewardError {
  return new EdgewardError('DEADLINE_EXCEEDED', `${url} did not answer within the request's deadline`, {
    details: { url },
  })
}
