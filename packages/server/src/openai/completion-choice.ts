/** A choice of /v1/completions: the raw text, with the model's own markup. */
import type { GenerationEvent } from 'edgeward/generation'
import { finishReason, type ChoiceWriter } from './choices.js'
import { completionLogprobs, type CompletionLogprobs } from './logprobs.js'

export class CompletionChoice implements ChoiceWriter {
  readonly #index: number
  readonly #withTokenIds: boolean
  readonly #tokenIds: number[] = []
  readonly #logprobs: CompletionLogprobs[] = []
  #promptIds: readonly number[] | undefined
  #text = ''
  #finish: string | null = null

  constructor(index: number, withTokenIds: boolean) {
    this.#index = index
    this.#withTokenIds = withTokenIds
  }

  write(event: GenerationEvent): readonly object[] {
    if (event.type === 'start') {
      this.#promptIds = event.promptIds
      return this.#withTokenIds ? [this.#choice('', { ...this.#prompt(), token_ids: [] })] : []
    }
    if (event.type === 'finish') {
      this.#finish = finishReason(event.reason)
      return [this.#choice('', { finish_reason: this.#finish, ...(this.#withTokenIds && { token_ids: [] }) })]
    }
    return event.type === 'delta' ? [this.#delta(event)] : []
  }

  whole(): object {
    return this.#choice(this.#text, {
      finish_reason: this.#finish,
      logprobs: this.#logprobs.length === 0 ? null : joined(this.#logprobs),
      ...(this.#withTokenIds && { ...this.#prompt(), token_ids: this.#tokenIds }),
    })
  }

  #delta({ text, tokenIds = [], logprobs }: Extract<GenerationEvent, { type: 'delta' }>): object {
    const told = logprobs && completionLogprobs(logprobs, this.#text.length)
    if (told) this.#logprobs.push(told)
    this.#text += text
    this.#tokenIds.push(...tokenIds)
    return this.#choice(text, { ...(told && { logprobs: told }), ...(this.#withTokenIds && { token_ids: tokenIds }) })
  }

  #prompt() {
    return { prompt_token_ids: this.#promptIds ?? null }
  }

  #choice(text: string, more: object): object {
    return { index: this.#index, text, logprobs: null, finish_reason: null, ...more }
  }
}

function joined(parts: readonly CompletionLogprobs[]): CompletionLogprobs {
  return {
    tokens: parts.flatMap(({ tokens }) => tokens),
    token_logprobs: parts.flatMap(({ token_logprobs: own }) => own),
    top_logprobs: parts.flatMap(({ top_logprobs: own }) => own),
    text_offset: parts.flatMap(({ text_offset: own }) => own),
  }
}
