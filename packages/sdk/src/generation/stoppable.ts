/** Generators that whoever reads them can end at once, also while something is awaited in them. */

/**
 * @param write - with a signal that aborts with `signal`, with `return()`, and as `running` says
 * @param running - has a controller for as long as the generator is neither at its end nor left
 */
export function stoppable<T>(
  write: (signal: AbortSignal) => AsyncGenerator<T, void, undefined>,
  signal: AbortSignal,
  running: Set<AbortController>,
): AsyncGenerator<T, void, undefined> {
  const own = new AbortController()
  const left = new Error('Nobody reads any more.')
  const inner = endsWith(write(AbortSignal.any([signal, own.signal])), () => running.delete(own))
  const ended: IteratorReturnResult<undefined> = { done: true, value: undefined }
  return {
    async next() {
      running.add(own)
      try {
        return await inner.next()
      } catch (error) {
        if (error === left) return ended
        throw error
      }
    },
    async return() {
      own.abort(left)
      await inner.return()
      return ended
    },
    throw: (error) => inner.throw(error),
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

async function* endsWith<T>(
  inner: AsyncGenerator<T, void, undefined>,
  end: () => void,
): AsyncGenerator<T, void, undefined> {
  try {
    yield* inner
  } finally {
    end()
  }
}
