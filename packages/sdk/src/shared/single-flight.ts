/** Shares one piece of asynchronous work among all who ask for it at the same time. */

/**
 * Runs `work` once for all callers of the same key. The work is aborted when the last of its callers has aborted, so
 * that one caller's abort never takes the work away from another. A settled key starts afresh.
 */
export class SingleFlight<K, V> {
  readonly #flights = new Map<K, { promise: Promise<V>; waiting: number; controller: AbortController }>()

  run(key: K, signal: AbortSignal, work: (signal: AbortSignal) => Promise<V>): Promise<V> {
    if (signal.aborted) return Promise.reject(signal.reason as Error)
    const flight = this.#flights.get(key) ?? this.#start(key, work)
    flight.waiting += 1
    return new Promise<V>((resolve, reject) => {
      const onAbort = () => {
        flight.waiting -= 1
        if (flight.waiting === 0) {
          this.#forget(key, flight.promise)
          flight.controller.abort(signal.reason)
        }
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      flight.promise.finally(() => signal.removeEventListener('abort', onAbort)).then(resolve, reject)
    })
  }

  #start(key: K, work: (signal: AbortSignal) => Promise<V>) {
    const controller = new AbortController()
    const promise = work(controller.signal).finally(() => this.#forget(key, promise))
    // Every caller has its own handlers; this one only keeps an abandoned flight from counting as unhandled.
    promise.catch(() => undefined)
    const flight = { promise, waiting: 0, controller }
    this.#flights.set(key, flight)
    return flight
  }

  #forget(key: K, promise: Promise<V>): void {
    if (this.#flights.get(key)?.promise === promise) this.#flights.delete(key)
  }
}
