/** Tells listeners what happens, by event name. */

export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>()

  /** Listens until the returned function is called. */
  on<E extends keyof Events>(name: E, listener: (event: Events[E]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners)
    // Wrapped, so that a listener registered twice is two listeners with an undo each.
    const own = (event: Events[E]) => listener(event)
    listeners.add(own)
    return () => listeners.delete(own)
  }

  /** Calls every listener. One that throws disturbs neither the others nor the request: its error goes to the page. */
  emit<E extends keyof Events>(name: E, event: Events[E]): void {
    const listeners = this.#listeners.get(name)
    // A copy: one that listens anew while it is called hears the next event, not this one for ever.
    for (const listener of [...(listeners ?? [])]) {
      if (!listeners?.has(listener)) continue // Another one has just undone it.
      try {
        listener(event as never)
      } catch (error) {
        reportLater(error)
      }
    }
  }

  /** Whether anybody listens: what is costly to tell need not be made for nobody. */
  has(name: keyof Events): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0
  }

  clear(): void {
    this.#listeners.clear()
  }
}

/** As an uncaught error, which is what a listener's error is. */
function reportLater(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
