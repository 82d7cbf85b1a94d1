/** Measures the phases of an answer; the time that its reader takes is none of them. */
import type { GenerationTimings } from '../contract/index.js'

/** What the decoder measured itself. */
interface DecoderTimes {
  readonly decodeMs: number
  readonly drafted: number
  readonly accepted: number
}

export class AnswerClock {
  readonly #now: () => number
  readonly #startedAt: number
  #preparedAt: number
  #queueMs = 0
  /** Undefined: there is no token yet. */
  #begunAt: number | undefined
  #prefillMs = 0

  constructor(now: () => number) {
    this.#now = now
    this.#startedAt = now()
    this.#preparedAt = this.#startedAt
  }

  /** The prompt is made of the input. */
  prepared(): void {
    this.#preparedAt = this.#now()
  }

  /** There is a sequence for it, which had to be waited for. */
  waited(): void {
    this.#queueMs = this.#now() - this.#preparedAt
  }

  /** Takes the time of the run that ends with the first token. */
  async first<T>(run: () => Promise<T>): Promise<T> {
    const start = this.#now()
    const result = await run()
    this.#begunAt = this.#now()
    this.#prefillMs = this.#begunAt - start
    return result
  }

  /**
   * @param prefilled - how many tokens were run before the first one was there
   * @param made - how many were made
   */
  timings(prefilled: number, made: number, { decodeMs, drafted, accepted }: DecoderTimes): GenerationTimings {
    const prefillMs = this.#prefillMs
    return {
      preprocessMs: this.#preparedAt - this.#startedAt,
      ...(this.#queueMs > 0 && { queueMs: this.#queueMs }),
      inferenceMs: prefillMs + decodeMs,
      ...(this.#begunAt !== undefined && { firstTokenMs: this.#begunAt - this.#startedAt }),
      ...(prefillMs > 0 && { promptTokensPerSecond: (prefilled / prefillMs) * 1000 }),
      ...(decodeMs > 0 && made > 1 && { tokensPerSecond: ((made - 1) / decodeMs) * 1000 }),
      ...(drafted > 0 && { draftedTokens: drafted, acceptedTokens: accepted }),
    }
  }
}
