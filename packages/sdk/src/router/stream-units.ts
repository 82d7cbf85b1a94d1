/** How much work an answer of text is, in the unit that estimates of streams are made of: a token that is generated. Pure. */
import type { GenerationInput, GenerationOptions, PlanRequestSize } from '../contract/index.js'

/** Prompts are read so many times as fast as answers are written: 170–250 against 21–30 tokens a second on WASM. */
const promptTokensPerUnit = 8

/** As elsewhere: a quarter of the characters. */
const charactersPerToken = 4

/** What an answer is taken for whose length nobody limits. */
const assumedOutputTokens = 256

/** Of a request, before anything is known of its answer. */
export function streamUnits(
  input: GenerationInput,
  { maxTokens = assumedOutputTokens }: Pick<GenerationOptions, 'maxTokens'>,
): PlanRequestSize {
  return unitsOfStream(promptTokensOf(input), maxTokens)
}

/** Of an answer that was written: what it took is measured for so much work. */
export function unitsOfStream(promptTokens: number, completionTokens: number): PlanRequestSize {
  return promptTokens / promptTokensPerUnit + completionTokens
}

function promptTokensOf(input: GenerationInput): number {
  if ('messages' in input) return input.messages.reduce((sum, { content }) => sum + tokensIn(content), 0)
  return typeof input.prompt === 'string' ? tokensIn(input.prompt) : input.prompt.length
}

function tokensIn({ length }: string): number {
  return Math.ceil(length / charactersPerToken)
}
