/** Lends sequences, so that a text finds the cache of the one that it goes on from. */
import { EdgewardError } from '../errors/index.js'
import { abortable, createDeferred, type Deferred } from '../shared/index.js'
import { CachedSequence, reusable } from './cached-sequence.js'
import type { LanguageModel } from './language-model.js'

export class SequencePool {
  readonly #model: LanguageModel
  readonly #size: number
  /** Free ones, the least recently used first. */
  #free: CachedSequence[] = []
  readonly #lent = new Set<CachedSequence>()
  readonly #waiting: Deferred<undefined>[] = []
  #isDisposed = false

  /** @param size - how many sequences there can be */
  constructor(model: LanguageModel, size: number) {
    this.#model = model
    this.#size = size
  }

  /** Whether who borrows now has to wait. */
  get isExhausted(): boolean {
    return !this.#isDisposed && this.#free.length === 0 && this.#lent.size >= this.#size
  }

  /**
   * The free sequence whose cache has the most of `ids` at its beginning; a new one where the pool has room and no cache would
   * serve with the greater part of what it holds, or for the greater part of `ids`; where all are lent, whatever comes back first.
   *
   * @throws EdgewardError DISPOSED; on abort, `signal.reason`
   */
  async borrow(ids: readonly number[], signal: AbortSignal): Promise<CachedSequence> {
    signal.throwIfAborted()
    while (this.isExhausted) await this.#wait(signal)
    if (this.#isDisposed) throw disposed()
    const sequence = this.#choose(ids)
    this.#free = this.#free.filter((free) => free !== sequence)
    this.#lent.add(sequence)
    return sequence
  }

  giveBack(sequence: CachedSequence): void {
    this.#lent.delete(sequence)
    if (this.#isDisposed || !sequence.isSound) sequence.dispose()
    else this.#free.push(sequence)
    this.#waiting.shift()?.resolve(undefined)
  }

  /** Frees what is free, and the others as they come back. */
  dispose(): void {
    this.#isDisposed = true
    for (const sequence of this.#free) sequence.dispose()
    this.#free = []
    for (const waiting of this.#waiting.splice(0)) waiting.resolve(undefined)
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const waiting = createDeferred<undefined>()
    this.#waiting.push(waiting)
    try {
      await abortable(waiting.promise, signal)
    } catch (error) {
      const place = this.#waiting.indexOf(waiting)
      if (place < 0)
        this.#waiting.shift()?.resolve(undefined) // It was this one's turn; now it is the next one's.
      else this.#waiting.splice(place, 1)
      throw error
    }
  }

  #choose(ids: readonly number[]): CachedSequence {
    const candidates = this.#free.map((sequence) => ({ sequence, reused: reusable(sequence.ids, ids) }))
    const best = candidates.reduce<(typeof candidates)[number] | undefined>(
      (most, candidate) => (most && most.reused >= candidate.reused ? most : candidate),
      undefined,
    )
    const hasRoom = this.#free.length + this.#lent.size < this.#size
    const serves = best && best.reused * 2 > Math.min(best.sequence.ids.length, ids.length)
    return best && (serves || !hasRoom) ? best.sequence : new CachedSequence(this.#model.createSequence())
  }
}

function disposed(): EdgewardError {
  return new EdgewardError('DISPOSED', 'The text generator was disposed while a text waited for it.')
}
