/** Guesses how a text goes on from where it said the same before: prompt lookup (Saxena, "Prompt Lookup Decoding", 2023). */

/** So many tokens must have stood together before. */
const matched = 3

export class PromptLookup {
  readonly #ids: number[] = []
  /** By the hash of some tokens together: what stood behind them last. */
  readonly #behind = new Map<number, number>()

  /** Takes the text's next token. */
  accept(id: number): void {
    const end = this.#ids.length
    if (end >= matched) this.#behind.set(this.#hash(end), end)
    this.#ids.push(id)
  }

  /** @returns at most `most` tokens that may come next; none when nothing like it was said before */
  draft(most: number): readonly number[] {
    const end = this.#ids.length
    const start = end < matched ? undefined : this.#behind.get(this.#hash(end))
    if (start === undefined || !this.#isAlike(start, end)) return []
    const draft: number[] = []
    for (let at = start; draft.length < most; at += 1) {
      draft.push((at < end ? this.#ids[at] : draft[at - end]) ?? 0)
    }
    return draft
  }

  /** Of the tokens before `end`. */
  #hash(end: number): number {
    let hash = 0
    for (let at = end - matched; at < end; at += 1) hash = Math.imul(hash ^ (this.#ids[at] ?? 0), 0x01000193)
    return hash
  }

  /** Hashes may be equal by chance. */
  #isAlike(first: number, second: number): boolean {
    for (let back = 1; back <= matched; back += 1) {
      if (this.#ids[first - back] !== this.#ids[second - back]) return false
    }
    return true
  }
}
