/** The priorities of parts that are loaded once for all who ask: one who waits has a part hastened, not all of its load. */
import type { LowPriority } from '../weights/index.js'
import type { LoadListener } from './worker-model.js'

export class PartPriorities {
  readonly #low = new Map<string, LowPriority>()

  /** Somebody asks for a part; if they wait for it, so must nobody else's priority hold it back. */
  asked(part: string, { priority }: LoadListener): void {
    if (!priority?.isLow) this.#low.get(part)?.hasten()
  }

  /** Loads a part; while that is of low priority, it can be hastened. */
  async load<T>(part: string, listener: LoadListener, load: (listener: LoadListener) => Promise<T>): Promise<T> {
    if (!listener.priority?.isLow) return load(listener)
    const priority = listener.priority.ofPart()
    this.#low.set(part, priority)
    try {
      return await load({ ...listener, priority })
    } finally {
      this.#low.delete(part)
    }
  }
}
