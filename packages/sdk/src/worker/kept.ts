/** Things that are loaded once for all who ask at the same time, and kept. */
import { SingleFlight } from '../shared/index.js'

export class Kept<K, V extends object> {
  readonly #kept = new Map<K, V>()
  readonly #loading = new SingleFlight<K, V>()

  /** What is kept, or what `load` brings: its signal aborts when all who asked have gone. A failure is not kept. */
  async get(key: K, signal: AbortSignal, load: (signal: AbortSignal) => Promise<V>): Promise<V> {
    const kept = this.#kept.get(key)
    if (kept !== undefined) return kept
    return this.#loading.run(key, signal, async (sharedSignal) => {
      const value = await load(sharedSignal)
      this.#kept.set(key, value)
      return value
    })
  }
}
