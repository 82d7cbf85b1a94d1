/** Generates texts with one language model: what a worker or an endpoint holds for each model that it has loaded. */
import type { GenerationEvent, GenerationInput, GenerationOptions, GenerationResume } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import type { ConstraintFactory } from './constraint.js'
import type { LanguageModel } from './language-model.js'

export interface GenerationRequest {
  readonly input: GenerationInput
  readonly options: GenerationOptions
  /** What is written already; none of it comes again. */
  readonly resume?: GenerationResume
}

export interface TextGeneratorOptions {
  readonly model: LanguageModel
  /** tokenizer.json, parsed. */
  readonly tokenizer: object
  /** tokenizer_config.json, parsed, with `chat_template`. */
  readonly tokenizerConfig: object
  /** How many texts can be in the making at once, each with a KV cache that stays for the next turn. Default: 2. */
  readonly maxSequences?: number
  /** For requests with a `responseFormat` or tools; absent: these are refused with MODEL_UNSUPPORTED. */
  readonly constrain?: ConstraintFactory
  /** Milliseconds of a monotonic clock. Default: `performance.now()`. */
  readonly now?: () => number
}

export interface TextGenerator {
  /**
   * Writes one answer: `start`, deltas, `finish`. Nothing is computed that nobody asks for; `return()` and an abort end it within
   * one token, and its sequence keeps its cache for the next turn.
   *
   * @throws EdgewardError CONTEXT_OVERFLOW, INVALID_INPUT, MODEL_UNSUPPORTED, OUTPUT_INVALID, DISPOSED, and what the model throws;
   * on abort, `signal.reason`
   */
  generate(request: GenerationRequest, signal: AbortSignal): AsyncGenerator<GenerationEvent, void, undefined>
  /** A text's token ids, without the special tokens that a prompt begins with. */
  encode(text: string): number[]
  decode(ids: readonly number[]): string
  /** The text that the model is given for an input. */
  render(input: GenerationInput): string
  /** Frees every sequence; what is being written fails with DISPOSED. */
  dispose(): void
}

/** @throws EdgewardError MODEL_UNSUPPORTED when no tokenizer can be made of the files */
export function createTextGenerator(_options: TextGeneratorOptions): TextGenerator {
  throw new EdgewardError('MODEL_UNSUPPORTED', 'Text generation is being built.')
}
