/** Reads several generators at once. */

/** What one of them gave, and which. */
export interface Merged<T> {
  readonly index: number
  readonly value: T
}

/**
 * Gives what comes, in the order in which it comes; returns what each returned. Ends all of them when it is ended.
 *
 * @param leave - has those end at once that wait for something: a generator by itself ends only when that has come
 */
export async function* merge<T, R>(
  sources: readonly AsyncGenerator<T, R>[],
  leave: () => void,
): AsyncGenerator<Merged<T>, R[]> {
  const returned: R[] = []
  const waiting = new Map(sources.map((source, index) => [index, nextOf(source, index)]))
  try {
    while (waiting.size > 0) {
      const { index, result } = await Promise.race(waiting.values())
      const source = sources[index]
      if (result.done || source === undefined) {
        if (result.done) returned[index] = result.value
        waiting.delete(index)
        continue
      }
      yield { index, value: result.value }
      waiting.set(index, nextOf(source, index))
    }
    return returned
  } finally {
    // The first failure is the one that is told.
    for (const pending of waiting.values()) pending.catch(() => undefined)
    if (waiting.size > 0) leave()
    await Promise.allSettled([...waiting.keys()].map(async (index) => sources[index]?.return(undefined as never)))
  }
}

async function nextOf<T, R>(source: AsyncGenerator<T, R>, index: number) {
  return { index, result: await source.next() }
}
