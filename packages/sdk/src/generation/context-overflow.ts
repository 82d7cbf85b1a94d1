/** What is said of a prompt that does not fit. */
import { EdgewardError } from '../errors/index.js'

/**
 * @param about - before the number of tokens: `more than `, where they were not counted to their end
 * @returns EdgewardError CONTEXT_OVERFLOW with `promptTokens` and `contextLength`
 */
export function overflow(promptTokens: number, contextLength: number, about = ''): EdgewardError {
  const message =
    `The prompt has ${about}${promptTokens} tokens, and the model can attend to ${contextLength}, the answer included. ` +
    `Shorten it, or set contextOverflow to 'slide'.`
  return new EdgewardError('CONTEXT_OVERFLOW', message, { details: { promptTokens, contextLength } })
}
