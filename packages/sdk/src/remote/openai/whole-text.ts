/** Keeps back what ends within a character, until the rest has come. */
import type { TokenLogprob } from '../../contract/index.js'

/** A piece of an answer's text, with its tokens as far as they are known. */
export interface Piece {
  readonly text: string
  readonly tokenIds?: readonly number[] | undefined
  readonly logprobs?: readonly TokenLogprob[] | undefined
}

const replacement = '\ufffd'

/** Of one answer. */
export class WholeText {
  #pending: Piece | undefined

  /** What can be told now: undefined while it ends within a character, or is empty. */
  push(piece: Piece): Piece | undefined {
    const whole = this.#pending ? join(this.#pending, piece) : piece
    this.#pending = whole
    return whole.text === '' || isBroken(whole.text) ? undefined : this.#release()
  }

  /** What was kept back; the answer has ended. Tokens without a text are not told: one that ends the answer is such. */
  flush(): Piece | undefined {
    const rest = this.#release()
    return rest && rest.text !== '' ? { ...rest, text: wellFormed(rest.text) } : undefined
  }

  #release(): Piece | undefined {
    const piece = this.#pending
    this.#pending = undefined
    return piece
  }
}

/** Ids and log probabilities are known of the whole only where they are of both. */
export function join(one: Piece, other: Piece): Piece {
  return {
    text: joinTexts(one.text, other.text),
    tokenIds: joinLists(one, other, 'tokenIds'),
    logprobs: joinLists(one, other, 'logprobs'),
  }
}

/** Some servers write a character's first bytes as U+FFFD, and the whole character with its last byte. */
function joinTexts(one: string, other: string): string {
  const completes = one.endsWith(replacement) && (other.codePointAt(0) ?? 0) > 0x7f && !other.startsWith(replacement)
  return (completes ? one.replace(/\ufffd+$/, '') : one) + other
}

function joinLists<K extends 'tokenIds' | 'logprobs'>(one: Piece, other: Piece, key: K): Piece[K] {
  const lists = [one, other].filter((piece) => piece.text !== '' || piece[key] !== undefined)
  if (lists.some((piece) => piece[key] === undefined)) return undefined
  // Both are lists of the same kind, which the compiler does not see through K.
  return lists.flatMap((piece) => [...((piece[key] ?? []) as readonly never[])])
}

function isBroken(text: string): boolean {
  return text.endsWith(replacement) || /[\ud800-\udbff]$/.test(text)
}

/** `String.prototype.toWellFormed`, which is newer than some browsers. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, replacement)
}
