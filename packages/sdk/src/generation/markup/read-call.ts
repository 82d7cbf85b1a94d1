/** Reads one call, `{"name": …, "arguments": {…}}`, that comes bit by bit: its arguments are passed on as they are written. */
import type { Piece } from './pieces.js'

const namePattern = /"name"\s*:\s*("(?:[^"\\]|\\.)*")/
const argumentsPattern = /"(?:arguments|parameters)"\s*:\s*(?=\S)/

/** `text`: what is behind the call, when it has ended. */
interface Read {
  readonly pieces: readonly Piece[]
  readonly isOver: boolean
  readonly rest: string
}

export class CallReader {
  #state: 'head' | 'arguments' | 'tail' = 'head'
  #head = ''
  readonly #value = new ValueEnd()
  readonly #whole = new ValueEnd()

  /** Reads up to the end of the call's outer object. */
  push(text: string): Read {
    const end = this.#whole.endIn(text)
    const own = end === undefined ? text : text.slice(0, end)
    const pieces = this.#read(own)
    if (end === undefined) return { pieces, isOver: false, rest: '' }
    const closing: Piece[] = this.#state === 'head' ? [] : [{ type: 'call-end' }]
    return { pieces: [...pieces, ...closing], isOver: true, rest: text.slice(end) }
  }

  /** What was read, when it has turned out to be no call. */
  get unread(): string {
    return this.#state === 'head' ? this.#head : ''
  }

  /** Whether the call was begun to be told. */
  get isTold(): boolean {
    return this.#state !== 'head'
  }

  #read(text: string): Piece[] {
    if (this.#state === 'tail') return []
    if (this.#state === 'arguments') return this.#readArguments(text)
    this.#head += text
    const name = namePattern.exec(this.#head)
    const begin = argumentsPattern.exec(this.#head)
    if (name?.[1] === undefined || begin === null) return []
    this.#state = 'arguments'
    const value = this.#head.slice(begin.index + begin[0].length)
    return [{ type: 'call', name: textOf(name[1]) }, ...this.#readArguments(value)]
  }

  #readArguments(text: string): Piece[] {
    if (this.#value.isAtStart && /^[^"{[]/.test(text)) return this.#skipArguments()
    const end = this.#value.endIn(text)
    const own = end === undefined ? text : text.slice(0, end)
    if (end !== undefined) this.#state = 'tail'
    return own === '' ? [] : [{ type: 'arguments', text: own }]
  }

  /** A number, `null` or the like are no arguments. */
  #skipArguments(): Piece[] {
    this.#state = 'tail'
    return [{ type: 'arguments', text: '{}' }]
  }
}

/** Models escape also what JSON has no escape for, such as `get\_weather`. */
function textOf(quoted: string): string {
  try {
    return String(JSON.parse(quoted))
  } catch {
    return quoted.slice(1, -1).replace(/\\(.)/g, '$1')
  }
}

/** Finds where a JSON object, list or text ends that comes bit by bit; it begins with its first character. */
class ValueEnd {
  #depth = 0
  #isInString = false
  #isEscaped = false
  isAtStart = true

  /** The index behind the value's last character, if it is in this text. */
  endIn(text: string): number | undefined {
    if (text !== '') this.isAtStart = false
    for (let at = 0; at < text.length; at += 1) {
      this.#step(text.charAt(at))
      const hasEnded = this.#depth === 0 && !this.#isInString && /["}\]]/.test(text.charAt(at))
      if (hasEnded) return at + 1
    }
    return undefined
  }

  #step(character: string): void {
    if (this.#isEscaped) this.#isEscaped = false
    else if (this.#isInString) {
      if (character === '\\') this.#isEscaped = true
      else if (character === '"') this.#isInString = false
    } else if (character === '"') this.#isInString = true
    else if (character === '{' || character === '[') this.#depth += 1
    else if (character === '}' || character === ']') this.#depth -= 1
  }
}
