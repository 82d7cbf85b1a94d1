/** Makes tokens likelier or less likely for what the text has in it already. */

/** See `GenerationOptions`. */
export interface PenaltyOptions {
  readonly repetitionPenalty: number
  readonly presencePenalty: number
  readonly frequencyPenalty: number
  readonly logitBias?: Readonly<Record<number, number>>
}

/** Costs as much as there are different tokens in the text, not in the vocabulary. */
export class Penalties {
  readonly #options: PenaltyOptions
  readonly #bias: readonly (readonly [id: number, bias: number])[]
  /** How often each token is in the answer; 0: it is only in the prompt. */
  readonly #counts = new Map<number, number>()

  constructor(options: PenaltyOptions, promptIds: readonly number[]) {
    this.#options = options
    this.#bias = Object.entries(options.logitBias ?? {}).map(([id, bias]) => [Number(id), bias])
    if (options.repetitionPenalty !== 1) for (const id of promptIds) this.#counts.set(id, 0)
  }

  /** Whether the logits change at all. */
  get areNeutral(): boolean {
    const { repetitionPenalty, presencePenalty, frequencyPenalty } = this.#options
    return this.#bias.length === 0 && repetitionPenalty === 1 && presencePenalty === 0 && frequencyPenalty === 0
  }

  /** Takes the answer's next token. */
  accept(id: number): void {
    this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1)
  }

  /** Changes the logits in place: bias, repetition as in CTRL, presence and frequency as OpenAI has them. */
  apply(logits: Float32Array): void {
    const { repetitionPenalty, presencePenalty, frequencyPenalty } = this.#options
    for (const [id, bias] of this.#bias) {
      if (id < logits.length) logits[id] = (logits[id] ?? 0) + bias
    }
    for (const [id, count] of this.#counts) {
      const logit = logits[id]
      if (logit === undefined) continue
      const repeated = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty
      logits[id] = repeated - (count > 0 ? presencePenalty + count * frequencyPenalty : 0)
    }
  }
}
