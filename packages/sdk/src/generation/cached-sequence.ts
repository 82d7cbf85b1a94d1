/** A sequence together with what its cache holds. */
import type { Sequence } from './language-model.js'

/** So many tokens of a prompt are run at once: an abort waits for no more, and the memory of a run is bounded. */
export const prefillTokens = 256

export class CachedSequence {
  readonly #sequence: Sequence
  #ids: number[] = []
  #isSound = true

  constructor(sequence: Sequence) {
    this.#sequence = sequence
  }

  /** The tokens in the cache. */
  get ids(): readonly number[] {
    return this.#ids
  }

  /** Whether the cache is known to hold {@link ids}: no longer after a run that failed. */
  get isSound(): boolean {
    return this.#isSound
  }

  /** As {@link Sequence.append}. */
  async append(ids: readonly number[], keep: number, signal: AbortSignal): Promise<Float32Array> {
    try {
      const logits = await this.#sequence.append(ids, keep, signal)
      for (const id of ids) this.#ids.push(id)
      return logits
    } catch (error) {
      this.#isSound = signal.aborted && this.#sequence.length === this.#ids.length
      throw error
    }
  }

  /**
   * Makes the cache hold `ids`, of which it keeps those that it has; the last one is always run.
   *
   * @returns the logits behind the last one
   */
  async prefill(ids: readonly number[], signal: AbortSignal): Promise<Float32Array> {
    this.truncate(reusable(this.#ids, ids))
    for (;;) {
      signal.throwIfAborted()
      const done = this.#ids.length
      const logits = await this.append(ids.slice(done, done + prefillTokens), 1, signal)
      if (this.#ids.length === ids.length) return logits
    }
  }

  truncate(length: number): void {
    if (length === this.#ids.length) return
    this.#sequence.truncate(length)
    this.#ids.length = length
  }

  dispose(): void {
    this.#isSound = false
    this.#sequence.dispose()
  }
}

/** How many tokens of a cache serve a text: what they begin alike with, but not the text's last token, whose logits are needed. */
export function reusable(cached: readonly number[], ids: readonly number[]): number {
  const most = Math.min(cached.length, ids.length - 1)
  let length = 0
  while (length < most && cached[length] === ids[length]) length += 1
  return length
}
