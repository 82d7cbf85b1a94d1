/** Refuses texts that are far too long for a context by their beginning: to encode all of them may take minutes. */
import { overflow } from './context-overflow.js'
import type { TextTokenizer } from './text-tokenizer.js'

/** A tokenizer whose `encode` throws CONTEXT_OVERFLOW where a text cannot fit; texts that fit, and short ones, are encoded as ever. */
export function encodingWithin(tokenizer: TextTokenizer, contextLength: number): TextTokenizer {
  return {
    ...tokenizer,
    encode(text, options) {
      for (let length = Math.max(leastLetters, contextLength * 8); length < text.length; length *= 2) {
        const tokens = tokenizer.encode(text.slice(0, length)).length
        if (tokens > contextLength + slack) throw overflow(tokens, contextLength, 'more than ')
      }
      return tokenizer.encode(text, options)
    },
  }
}

/** What takes no time that anybody notices. */
const leastLetters = 16_384

/** So many tokens more may a beginning have than the whole text: its last word is cut. */
const slack = 64
