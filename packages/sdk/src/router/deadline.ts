/** One deadline over everything that a request waits for. */
import type { Attempt } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'

/** Longer timers fire at once: browsers keep their delay in 32 bits. */
const longestTimerMs = 2 ** 31 - 1

/** Starts to run when it is made; whoever made it disposes of it when the request has ended. */
export class Deadline {
  /** When the time is over, by `performance.now()`; `Infinity`: never. */
  readonly at: number
  /**
   * Aborts as the caller's signal does, with its very reason; else with `DEADLINE_EXCEEDED` when the time is over. Without a
   * deadline it is the caller's signal itself.
   */
  readonly signal: AbortSignal
  readonly deadlineMs: number
  #isOver = false
  readonly #stop: (() => void) | undefined

  /**
   * @param deadlineMs - from `startedAt` on, in milliseconds; `Infinity`: no deadline, which costs nothing
   * @param startedAt - by `performance.now()`
   * @param caller - the caller's own signal
   */
  constructor(deadlineMs: number, startedAt: number, caller: AbortSignal) {
    this.deadlineMs = deadlineMs
    this.at = startedAt + deadlineMs
    if (deadlineMs > longestTimerMs) {
      this.signal = caller
      return
    }
    const controller = new AbortController()
    this.signal = controller.signal
    const onAbort = () => controller.abort(caller.reason)
    const onTimer = () => {
      this.#isOver = !controller.signal.aborted
      controller.abort(this.exceeded())
    }
    const timer = setTimeout(onTimer, Math.max(0, this.leftMs()))
    this.#stop = () => {
      clearTimeout(timer)
      caller.removeEventListener('abort', onAbort)
    }
    if (caller.aborted) onAbort()
    else caller.addEventListener('abort', onAbort, { once: true })
  }

  /** Whether the signal has aborted because the time was over. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** What is left, in milliseconds; negative when the time is over. */
  leftMs(): number {
    return this.at - performance.now()
  }

  /** The error that a request ends with when the time is over. */
  exceeded(attempts: readonly Attempt[] = []): EdgewardError {
    const message = `The request was not answered within its deadline of ${this.deadlineMs} ms.`
    return new EdgewardError('DEADLINE_EXCEEDED', message, { details: { deadlineMs: this.deadlineMs, attempts } })
  }

  /** Frees the timer. The signal does not abort any more. */
  dispose(): void {
    this.#stop?.()
  }
}
