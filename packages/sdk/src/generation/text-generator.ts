/** Generates texts with one language model: what a worker or an endpoint holds for each model that it has loaded. */
import type { GenerationEvent, GenerationInput, TextFormat } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { createChatTemplate } from './chat-template.js'
import type { ConstraintFactory } from './constraint.js'
import type { LanguageModel } from './language-model.js'
import { renderInput } from './prepare-prompt.js'
import { SequencePool } from './sequence-pool.js'
import { stoppable, type Stop } from './stoppable.js'
import { createTextTokenizer } from './text-tokenizer.js'
import { writeAnswer, type GenerationRequest } from './write-answer.js'

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
  /** Hears, before an answer begins, of the signal that the model will get for it, and of the one that `generate` got. */
  readonly onSignal?: (own: AbortSignal, given: AbortSignal) => void
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
export function createTextGenerator(options: TextGeneratorOptions): TextGenerator {
  const {
    model,
    tokenizer: json,
    tokenizerConfig,
    maxSequences = 2,
    constrain,
    onSignal,
    now = () => performance.now(),
  } = options
  const tokenizer = createTextTokenizer(json, tokenizerConfig, markupTokens(model.config.format))
  const reader = { config: model.config, tokenizer, template: createChatTemplate(tokenizerConfig) }
  const pool = new SequencePool(model, maxSequences)
  const running = new Set<Stop>()
  return {
    generate: (request, signal) => {
      const write = (own: AbortSignal) => {
        onSignal?.(own, signal)
        return writeAnswer({ reader, pool, constrain, now }, request, own)
      }
      return stoppable(write, signal, running)
    },
    encode: (text) => tokenizer.encode(text),
    decode: (ids) => tokenizer.decode(ids),
    render: (input) => renderInput(input, reader),
    dispose() {
      for (const stop of running) stop(disposed())
      pool.dispose()
    },
  }
}

/** Control tokens that the format of answers is read from. */
function markupTokens(format: TextFormat = {}): string[] {
  const { reasoning, tools } = format
  const ofTools = { hermes: ['<tool_call>', '</tool_call>'], llama3: ['<|python_tag|>'] }
  return [...(reasoning ? [reasoning.open, reasoning.close] : []), ...(tools ? ofTools[tools] : [])]
}

function disposed(): EdgewardError {
  return new EdgewardError('DISPOSED', 'The text generator was disposed while it wrote.')
}
