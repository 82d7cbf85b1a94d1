/** Runs the model step by step: each step is one run, and gives the answer's next token or, where a draft was right, several. */
import type { CachedSequence } from './cached-sequence.js'
import type { ContextWindow } from './context-window.js'
import { LookupBudget } from './lookup-budget.js'
import { PromptLookup } from './prompt-lookup.js'
import type { Choice, Sampler } from './sampling/sampler.js'

export interface DecoderContext {
  readonly sequence: CachedSequence
  readonly sampler: Sampler
  /** The prompt, and what is written of the answer. */
  readonly ids: readonly number[]
  readonly window: ContextWindow
  readonly vocabularySize: number
  readonly contextLength: number
  readonly isEnd: (id: number) => boolean
  readonly usesLookup: boolean
  readonly now: () => number
  readonly signal: AbortSignal
}

export class Decoder {
  readonly #context: DecoderContext
  readonly #ids: number[]
  readonly #lookup: { readonly guesses: PromptLookup; readonly budget: LookupBudget } | undefined
  /** Milliseconds of the steps after the first. */
  decodeMs = 0
  drafted = 0
  accepted = 0

  constructor(context: DecoderContext) {
    this.#context = context
    this.#ids = [...context.ids]
    this.#lookup = context.usesLookup ? { guesses: new PromptLookup(), budget: new LookupBudget() } : undefined
    for (const id of this.#ids) this.#lookup?.guesses.accept(id)
  }

  /** How many of the text's tokens the model no longer sees. */
  get dropped(): number {
    return this.#context.window.dropped(this.#ids.length)
  }

  /** Runs the text so far, as far as it is not in the cache; @returns the next token */
  async begin(): Promise<readonly Choice[]> {
    const { sequence, window, signal } = this.#context
    return this.#choose(await sequence.prefill(window.view(this.#ids), signal), [])
  }

  /** @param most - how many tokens are wanted at most */
  async next(most: number): Promise<readonly Choice[]> {
    const start = this.#context.now()
    const isSlid = this.#ids.length - this.dropped !== this.#context.sequence.ids.length + 1
    const choices = isSlid ? await this.begin() : await this.#step(most)
    this.decodeMs += this.#context.now() - start
    return choices
  }

  async #step(most: number): Promise<readonly Choice[]> {
    const { sequence, signal, now } = this.#context
    const length = sequence.ids.length + 1
    const draft = this.#draft(Math.min(most - 1, this.#context.contextLength - length))
    const start = now()
    const rows = await sequence.append([this.#ids.at(-1) ?? 0, ...draft], draft.length + 1, signal)
    const choices = await this.#choose(rows, draft)
    sequence.truncate(length + choices.length - 1)
    this.#count(draft.length, choices.length - 1, now() - start)
    return choices
  }

  #draft(most: number): readonly number[] {
    if (!this.#lookup || most < 1) return []
    const { guesses, budget } = this.#lookup
    const length = Math.min(most, budget.draftLength)
    return length > 0 ? guesses.draft(length) : []
  }

  /** One row after another, as far as the draft is what is chosen: each choice sees all tokens before it, as without a draft. */
  async #choose(rows: Float32Array, draft: readonly number[]): Promise<readonly Choice[]> {
    const { sampler, vocabularySize, isEnd } = this.#context
    const choices: Choice[] = []
    for (let row = 0; row <= draft.length; row += 1) {
      const made = sampler.choose(rows.subarray(row * vocabularySize, (row + 1) * vocabularySize))
      // No pause between rows where there is no constraint: they hold only until the model runs again, for whichever text.
      const choice = made instanceof Promise ? await made : made
      choices.push(choice)
      this.#ids.push(choice.id)
      this.#lookup?.guesses.accept(choice.id)
      if (isEnd(choice.id) || choice.id !== draft[row]) break
    }
    return choices
  }

  #count(drafted: number, accepted: number, ms: number): void {
    this.drafted += drafted
    this.accepted += accepted
    if (drafted > 0) this.#lookup?.budget.addCheck({ drafted, accepted, ms })
    else this.#lookup?.budget.addStep(ms)
  }
}
