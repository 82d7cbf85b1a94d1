/** How events of a generation become the choices of an answer, in chunks or whole. */
import type { FinishReason, GenerationEvent } from 'edgeward/generation'

/** Writes one choice, event by event. */
export interface ChoiceWriter {
  /** What a chunk's `choices` holds for an event; nothing where there is nothing to tell yet. */
  write(event: GenerationEvent): readonly object[]
  /** The choice as it is once its finish was written. */
  whole(): object
}

/** What a request came to, in OpenAI's names. */
export class UsageCount {
  #prompt = 0
  #cached = 0
  #completion = 0

  /** @param isFirst Whether it is of the first answer to its prompt: the others read the same one. */
  hear(event: GenerationEvent, isFirst: boolean): void {
    if (event.type !== 'finish') return
    const { promptTokens = 0, cachedTokens = 0, completionTokens = 0 } = event.usage
    this.#completion += completionTokens
    if (!isFirst) return
    this.#prompt += promptTokens
    this.#cached += cachedTokens
  }

  toJSON() {
    return {
      prompt_tokens: this.#prompt,
      completion_tokens: this.#completion,
      total_tokens: this.#prompt + this.#completion,
      prompt_tokens_details: { cached_tokens: this.#cached },
    }
  }
}

export function finishReason(reason: FinishReason): 'stop' | 'length' | 'tool_calls' {
  return reason === 'tool-calls' ? 'tool_calls' : reason
}
