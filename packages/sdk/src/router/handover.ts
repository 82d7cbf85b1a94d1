/** Whether an answer that somebody has begun can be gone on with elsewhere, without a seam. Pure. */
import type { PlannedPlacement, StreamRequest } from '../contract/index.js'
import type { StreamAnswer } from './stream-answer.js'

/**
 * Why it cannot; undefined: it can. The device takes the raw text as it is, and computes the rest of its state, a grammar's
 * included, from that; endpoints begin a grammar afresh, and take a text that stops in its middle by its ids alone.
 */
export function seamAt(
  { placement }: PlannedPlacement,
  answer: Pick<StreamAnswer, 'isBegun' | 'isReadOut' | 'isCounted' | 'isInsideMarkup'>,
  { options: { responseFormat, toolChoice } }: Pick<StreamRequest, 'options'>,
): string | undefined {
  if (!answer.isBegun) return undefined
  if (answer.isReadOut) return 'the endpoint did not tell the raw text of reasoning and calls'
  if (placement.engine === 'device') return undefined
  const isFree = responseFormat === undefined || responseFormat.type === 'text'
  if (!isFree) return 'an endpoint would begin the required format afresh'
  if (toolChoice === 'required' || typeof toolChoice === 'object') return 'an endpoint would begin the call afresh'
  if (answer.isInsideMarkup && !answer.isCounted) return 'the text stops inside of its reasoning or a call'
  return undefined
}
