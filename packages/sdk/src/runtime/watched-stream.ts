/** A stream of the worker, as the page watches it: an event that somebody waits for is a sign of life, and nobody’s silence is a hang. */
import type { GenerationEvent } from '../contract/index.js'
import type { Clock } from './clock.js'
import type { Watched } from './watchdog.js'

/**
 * A reader that has asked for nothing for so long, in milliseconds, keeps a worker from nothing any more: it may be replaced, and
 * who reads on then hears that it was.
 */
export const restMs = 30_000

export interface StreamWatch {
  readonly clock: Clock
  /** Somebody waits for an event. */
  watch(): Watched
  /** From now on the worker has a stream more, or less, to write. */
  count(change: 1 | -1): void
  /** Told once. @param error - absent: it went well, or nobody reads it any more */
  onEnd(isWell: boolean, error?: unknown): void
}

/** Nothing is asked of the worker before somebody reads. */
export function watchStream(
  stream: ReadableStream<GenerationEvent>,
  watch: StreamWatch,
): ReadableStream<GenerationEvent> {
  const reader = stream.getReader()
  const life = new StreamLife(watch)
  let isCancelled = false
  const pull = async (controller: ReadableStreamDefaultController<GenerationEvent>) => {
    life.wake()
    const watched = watch.watch()
    try {
      const { done, value } = await reader.read()
      if (isCancelled) {
        watched.abandoned()
        return
      }
      watched.answered()
      if (done || value.type === 'finish') life.end(true)
      else life.rest()
      if (done) controller.close()
      else controller.enqueue(value)
    } catch (error) {
      watched.answered()
      life.end(false, error)
      throw error
    }
  }
  const cancel = (reason: unknown) => {
    isCancelled = true
    life.end(false)
    return reader.cancel(reason)
  }
  return new ReadableStream({ pull, cancel }, { highWaterMark: 0 })
}

/** Whether a stream counts as work of the worker. */
class StreamLife {
  readonly #watch: StreamWatch
  #isCounted = false
  #stopResting: (() => void) | undefined
  #isOver = false

  constructor(watch: StreamWatch) {
    this.#watch = watch
    this.#count(true)
    this.rest()
  }

  /** Somebody waits for an event. */
  wake(): void {
    this.#stopResting?.()
    if (!this.#isOver) this.#count(true)
  }

  /** Nobody waits for one. */
  rest(): void {
    if (this.#isOver) return
    this.#stopResting = this.#watch.clock.after(restMs, () => this.#count(false))
  }

  end(isWell: boolean, error?: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopResting?.()
    this.#count(false)
    this.#watch.onEnd(isWell, error)
  }

  #count(isCounted: boolean): void {
    if (isCounted !== this.#isCounted) this.#watch.count(isCounted ? 1 : -1)
    this.#isCounted = isCounted
  }
}
