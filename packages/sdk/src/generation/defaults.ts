/** What holds for a generation where its options say nothing. */

/** The defaults of `GenerationOptions`. Absent there: `seed` (another one each time), `stop`, `logitBias`. */
export const generationDefaults = Object.freeze({
  maxTokens: 2048,
  temperature: 0.7,
  topK: 0,
  topP: 0.95,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  logprobs: false,
  topLogprobs: 0,
  contextOverflow: 'error',
  promptLookup: 'auto',
} as const)
