/** Small helpers around `AbortSignal`. */

/** Rejects with `signal.reason` as soon as the signal aborts; otherwise settles as `promise` does. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => undefined) // Nobody waits for it any more; its failure must not count as unhandled.
    return Promise.reject(signal.reason as Error)
  }
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.finally(() => signal.removeEventListener('abort', onAbort)).then(resolve, reject)
  })
}

/** A signal that never aborts. */
export function neverAborted(): AbortSignal {
  return new AbortController().signal
}
