/** Which tokens of a text that outgrew the context the model still sees: a function of the text alone, so that it is the same anywhere. */

export class ContextWindow {
  readonly #contextLength: number
  /** How many tokens of the prompt's beginning always stay. */
  readonly #kept: number
  /** How many are left out at once, so that what stays need not be run anew for every token. */
  readonly #step: number

  constructor(promptLength: number, contextLength: number) {
    this.#contextLength = contextLength
    this.#kept = Math.min(promptLength, Math.floor(contextLength / 2))
    this.#step = Math.ceil((contextLength - this.#kept) / 2)
  }

  /** How many tokens are left out of a text of `length`. */
  dropped(length: number): number {
    return Math.max(0, Math.ceil((length - this.#contextLength) / this.#step)) * this.#step
  }

  /** What the model sees of a text. */
  view(ids: readonly number[]): readonly number[] {
    const dropped = this.dropped(ids.length)
    return dropped === 0 ? ids : [...ids.slice(0, this.#kept), ...ids.slice(this.#kept + dropped)]
  }
}
