/** Where an answer goes on that another engine began. */
import type { GenerationResume } from '../contract/index.js'
import type { TextTokenizer } from './text-tokenizer.js'

export interface Resumed {
  /** The tokens of the answer so far. */
  readonly ids: readonly number[]
  /** The prompt's, as the other engine gave them to the same model. */
  readonly promptIds?: readonly number[]
}

/**
 * The ids that were handed over, if they say what the text says; else the text is encoded. They come from an endpoint: where there
 * are none of the answer, nothing shows that the prompt's are of this tokenizer.
 */
export function readResume({ text, tokenIds = [], promptIds }: GenerationResume, tokenizer: TextTokenizer): Resumed {
  const areKnown = (ids: readonly number[]) => ids.length > 0 && ids.every((id) => tokenizer.tokenOf(id) !== undefined)
  if (!areKnown(tokenIds) || tokenizer.decode(tokenIds) !== text) return { ids: encodeContinuation(text, tokenizer) }
  return { ids: tokenIds, ...(promptIds && areKnown(promptIds) && { promptIds }) }
}

/** Tokenizers that put a blank before each text would put one into the middle of this. */
function encodeContinuation(text: string, tokenizer: TextTokenizer): readonly number[] {
  const ids = tokenizer.encode(text)
  if (!text.startsWith(' ') || tokenizer.decode(ids) === text) return ids
  const withoutBlank = tokenizer.encode(text.slice(1))
  return tokenizer.decode(withoutBlank) === text ? withoutBlank : ids
}
