/** Reads the markup in a model's raw text, which comes bit by bit: reasoning, and calls of tools. */
import type { TextFormat } from '../../contract/index.js'
import { splitAtTag } from './hold-back.js'
import type { Piece, PieceReader } from './pieces.js'
import { CallReader } from './read-call.js'

const hermes = { open: '<tool_call>', close: '</tool_call>' }
const pythonTag = '<|python_tag|>'

type State =
  { readonly in: 'text' } | { readonly in: 'reasoning' } | { readonly in: 'call'; readonly reader: CallReader }

export interface MarkupOptions extends TextFormat {
  /** Whether the request has tools: without, nothing is a call. */
  readonly hasTools: boolean
}

export class MarkupReader implements PieceReader {
  readonly #options: MarkupOptions
  #state: State
  #waiting = ''
  /** Of llama3: whether only blanks came so far, so that a call may begin. */
  #isAtStart = true
  #skipsBlanks = false

  constructor(options: MarkupOptions) {
    this.#options = options
    this.#state = options.startsInReasoning ? { in: 'reasoning' } : { in: 'text' }
  }

  /** Whether an engine that goes on from here must take the raw text whole: what is open cannot be told otherwise. */
  get isInMarkup(): boolean {
    return this.#state.in !== 'text' || this.#waiting !== ''
  }

  push(text: string): readonly Piece[] {
    this.#waiting += text
    const pieces: Piece[] = []
    for (let isMore = true; isMore;) {
      const { in: before } = this.#state
      pieces.push(...this.#step())
      isMore = this.#waiting !== '' && this.#state.in !== before
    }
    return pieces
  }

  end(): readonly Piece[] {
    const rest = this.#waiting
    this.#waiting = ''
    if (this.#state.in === 'call') {
      const { reader } = this.#state
      this.#state = { in: 'text' }
      // A call that was cut short: what was told of it stays, and what was not is text.
      return reader.isTold ? [{ type: 'call-end' }] : textPieces('text', reader.unread + rest)
    }
    return textPieces(this.#state.in, rest)
  }

  /** Models write blank lines behind what they thought and behind calls: they are not of the answer. */
  #becomeText(): void {
    this.#state = { in: 'text' }
    this.#skipsBlanks = true
  }

  #step(): readonly Piece[] {
    if (this.#state.in === 'call') return this.#readCall(this.#state.reader)
    return this.#state.in === 'reasoning' ? this.#readReasoning() : this.#readText()
  }

  #readReasoning(): readonly Piece[] {
    const { before, tag, rest } = splitAtTag(this.#waiting, [this.#options.reasoning?.close ?? '</think>'])
    this.#waiting = rest
    if (tag !== undefined) this.#becomeText()
    return textPieces('reasoning', before)
  }

  #readText(): readonly Piece[] {
    const { reasoning, tools, hasTools } = this.#options
    if (this.#skipsBlanks) this.#waiting = this.#waiting.trimStart()
    if (this.#waiting !== '') this.#skipsBlanks = false
    if (tools === 'llama3' && hasTools && this.#isAtStart && this.#beginsLlamaCall()) return []
    const call = tools === 'hermes' && hasTools ? [hermes.open, hermes.close] : []
    const python = tools === 'llama3' && hasTools ? [pythonTag] : []
    const { before, tag, rest } = splitAtTag(this.#waiting, [
      ...(reasoning ? [reasoning.open] : []),
      ...call,
      ...python,
    ])
    this.#waiting = rest
    if (before.trim() !== '') this.#isAtStart = false
    if (tag !== undefined && tag === reasoning?.open) this.#state = { in: 'reasoning' }
    else if (tag === hermes.open || tag === pythonTag) this.#state = { in: 'call', reader: new CallReader() }
    else if (tag === hermes.close) {
      this.#becomeText()
      return [...textPieces('text', before), ...this.#readText()]
    }
    return textPieces('text', before)
  }

  /** The whole text is a call; several follow each other with semicolons. */
  #beginsLlamaCall(): boolean {
    const text = this.#waiting.replace(/^[\s;]+/, '')
    if (!text.startsWith('{')) return false
    this.#waiting = text
    this.#state = { in: 'call', reader: new CallReader() }
    return true
  }

  #readCall(reader: CallReader): readonly Piece[] {
    const text = reader.isTold || reader.unread !== '' ? this.#waiting : this.#waiting.trimStart()
    this.#waiting = ''
    if (text === '') return []
    const { pieces, isOver, rest } = reader.push(text)
    if (!isOver) return pieces
    this.#waiting = rest
    this.#becomeText()
    return reader.isTold ? pieces : [...pieces, ...textPieces('text', reader.unread)]
  }
}

function textPieces(type: 'text' | 'reasoning', text: string): readonly Piece[] {
  return text === '' ? [] : [{ type, text }]
}
