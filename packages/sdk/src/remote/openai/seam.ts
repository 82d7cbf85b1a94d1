/** Joins what an endpoint writes to what was there: nothing comes twice, and stop strings are seen across the seam. */
import type { GenerationResume } from '../../contract/index.js'
import { cannotContinue } from './cannot-continue.js'
import { join, type Piece } from './whole-text.js'

/** A single event that holds at least so many tokens of the text before, from its first character, is that text again. */
const resentTokens = 4

export interface SeamOptions {
  readonly url: string
  readonly resume: GenerationResume
  readonly stop: string | readonly string[] | undefined
  /** What the endpoint was sent of `resume.text`: the rest of it is to be written again, and is not told. */
  readonly sent: string
}

/** Of one answer that goes on. */
export class Seam {
  readonly #options: SeamOptions
  /** What must come first, since it was cut off. */
  readonly #expected: string
  /** What ends of stop strings would complete a stop string that began before the seam. */
  #stopRests: readonly string[]
  #held: Piece | undefined
  #isFirst = true
  #isJoined: boolean

  constructor(options: SeamOptions) {
    this.#options = options
    this.#expected = options.resume.text.slice(options.sent.length)
    this.#stopRests = stopRestsOf(options.resume.text, options.stop)
    this.#isJoined = false
  }

  /**
   * What is told of a piece: undefined while that is open; `stop` when a stop string is complete.
   *
   * @throws EdgewardError that the answer cannot be gone on with here
   */
  push(piece: Piece): Piece | 'stop' | undefined {
    if (this.#isJoined) return piece
    const fresh = this.#isFirst ? this.#withoutSent(piece) : piece
    this.#isFirst = false
    const held = this.#held ? join(this.#held, fresh) : fresh
    this.#held = held
    const { text } = held
    if (text.length < this.#expected.length && this.#expected.startsWith(text)) return undefined
    if (!text.startsWith(this.#expected)) {
      throw cannotContinue(this.#options.url, 'it did not write again the blanks that the answer so far ends with')
    }
    const rest = text.slice(this.#expected.length)
    if (this.#stopRests.some((end) => rest.startsWith(end))) return 'stop'
    this.#stopRests = this.#stopRests.filter((end) => end.startsWith(rest))
    if (this.#stopRests.length > 0 || rest === '') return undefined
    return this.#join(held)
  }

  /** What was kept back; the answer has ended. */
  flush(): Piece | undefined {
    return this.#held && this.#held.text.length > this.#expected.length ? this.#join(this.#held) : undefined
  }

  #join(held: Piece): Piece {
    this.#isJoined = true
    this.#held = undefined
    // The ids of a text that was cut are not its ids.
    return this.#expected === '' ? held : { text: held.text.slice(this.#expected.length) }
  }

  #withoutSent(piece: Piece): Piece {
    const { resume, sent } = this.#options
    const isResent = resume.usedTokens >= resentTokens && sent !== '' && piece.text.startsWith(sent)
    return isResent ? { text: piece.text.slice(sent.length) } : piece
  }
}

function stopRestsOf(text: string, stop: SeamOptions['stop'] = []): readonly string[] {
  const stops = typeof stop === 'string' ? [stop] : stop
  return stops.flatMap((one) =>
    Array.from({ length: one.length - 1 }, (_, index) => index + 1)
      .filter((length) => text.endsWith(one.slice(0, length)))
      .map((length) => one.slice(length)),
  )
}
