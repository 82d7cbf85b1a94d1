/** Generators that end at once when nobody reads them any more, also in the middle of what they await, and also unread. */

/** Ends a generator that is being read; who reads on meets the reason. */
export type Stop = (reason: unknown) => void

/**
 * @param write - with a signal that aborts as soon as the generator has to end
 * @param signal - ends it with its reason
 * @param running - has a stop for as long as the generator has begun and is not at its end
 */
export function stoppable<T>(
  write: (signal: AbortSignal) => AsyncGenerator<T, void, undefined>,
  signal: AbortSignal,
  running: Set<Stop>,
): AsyncGenerator<T, void, undefined> {
  const own = new AbortController()
  const inner = write(own.signal)
  const stop: Stop = (reason) => {
    own.abort(reason)
    inner.return().catch(() => undefined) // What is wrong, the pending or the next `next` tells.
    rest()
  }
  const onAbort = () => stop(signal.reason)
  const begin = () => {
    running.add(stop)
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
  }
  const rest = () => {
    running.delete(stop)
    signal.removeEventListener('abort', onAbort)
  }
  let hasBegun = false
  return {
    async next() {
      if (!hasBegun) begin()
      hasBegun = true
      try {
        if (own.signal.aborted) throw own.signal.reason
        const result = await inner.next()
        if (result.done) rest()
        return result
      } catch (error) {
        rest()
        if (error === left) return ended
        throw error
      }
    },
    async return() {
      own.abort(left)
      await inner.return()
      rest()
      return ended
    },
    throw: (error) => inner.throw(error),
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

const left = Object.freeze(new Error('Nobody reads any more.'))
const ended: IteratorReturnResult<undefined> = { done: true, value: undefined }
