/** Ends an answer where one of its stop strings begins, wherever the borders of its tokens are. */
import type { TokenLogprob } from '../contract/index.js'
import type { TextPiece } from './text-assembler.js'

/** Some tokens, their text, and how likely they were. */
export interface AnswerPiece extends TextPiece {
  readonly logprobs?: readonly TokenLogprob[]
}

/** What can be given out. */
export interface Released {
  readonly pieces: readonly AnswerPiece[]
  /** A stop string was found: what its first token holds of the text before it. Nothing more may follow. */
  readonly last?: string
}

/** Holds pieces back while they may be part of a stop string, and no longer. Linear: each character is looked at once a stop string. */
export class StopFilter {
  readonly #matchers: readonly Matcher[]
  #held: AnswerPiece[] = []
  #heldLength = 0

  /** @param before - what of the answer is written already: a stop string may have begun in it */
  constructor(stops: readonly string[], before = '') {
    this.#matchers = stops.filter((stop) => stop !== '').map((stop) => new Matcher(stop))
    for (const matcher of this.#matchers) matcher.readAll(before)
  }

  push(piece: AnswerPiece): Released {
    const length = this.#heldLength
    this.#held.push(piece)
    this.#heldLength += piece.text.length
    const starts = this.#matchers.flatMap((matcher) => {
      const end = matcher.read(piece.text)
      return end === undefined ? [] : [{ end, start: length + end - matcher.stop.length }]
    })
    const first = starts.sort((a, b) => a.end - b.end || a.start - b.start)[0]
    if (first) return this.#cutAt(Math.max(0, first.start))
    const open = Math.max(0, ...this.#matchers.map(({ matched }) => matched))
    return { pieces: this.#release(this.#heldLength - open) }
  }

  /** What was held back, when the text ends otherwise. */
  flush(): readonly AnswerPiece[] {
    return this.#release(this.#heldLength)
  }

  /** The held pieces that end within the first `length` characters. */
  #release(length: number): readonly AnswerPiece[] {
    let count = 0
    let end = 0
    for (const { text } of this.#held) {
      if (end + text.length > length) break
      end += text.length
      count += 1
    }
    this.#heldLength -= end
    return this.#held.splice(0, count)
  }

  #cutAt(start: number): Released {
    const text = this.#held.map((piece) => piece.text).join('')
    const pieces = this.#release(start)
    const given = pieces.reduce((length, piece) => length + piece.text.length, 0)
    this.#held = []
    this.#heldLength = 0
    return { pieces, last: text.slice(given, start) }
  }
}

/** Finds one text in a stream of characters: Knuth, Morris and Pratt's algorithm. */
class Matcher {
  readonly stop: string
  /** How much of the stop string's beginning the text ends with. */
  matched = 0
  /** For each length of a match, the longest shorter one that its end is. */
  readonly #shorter: readonly number[]

  constructor(stop: string) {
    this.stop = stop
    this.#shorter = shorterMatches(stop)
  }

  /** @returns how much of `text` was read when the stop string was complete; undefined: it is not */
  read(text: string): number | undefined {
    for (let at = 0; at < text.length; at += 1) {
      this.matched = advance(this.stop, this.#shorter, this.matched, text[at])
      if (this.matched === this.stop.length) {
        this.matched = this.#shorter[this.matched] ?? 0
        return at + 1
      }
    }
    return undefined
  }

  /** Reads on behind complete stop strings: what is written stays. */
  readAll(text: string): void {
    let rest = text
    for (let end = this.read(rest); end !== undefined; end = this.read(rest)) rest = rest.slice(end)
  }
}

function shorterMatches(stop: string): number[] {
  const shorter = [0, 0]
  for (let length = 1; length < stop.length; length += 1) {
    shorter.push(advance(stop, shorter, shorter[length] ?? 0, stop[length]))
  }
  return shorter
}

function advance(stop: string, shorter: readonly number[], matched: number, character: string | undefined): number {
  let length = matched
  while (length > 0 && stop[length] !== character) length = shorter[length] ?? 0
  return stop[length] === character ? length + 1 : 0
}
