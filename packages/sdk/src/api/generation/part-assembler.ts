/** Makes the parts of one answer from what its engines told. */
import type {
  FinishReason,
  GeneratedAnswer,
  GenerationPart,
  GenerationTimings,
  GenerationUsage,
  Segment,
  TextFormat,
  TokenLogprob,
  ToolCall,
} from '../../contract/index.js'
import { EdgewardError } from '../../errors/index.js'
import { MarkupReader, type Piece } from '../../generation/page.js'
import type { RoutedEvent } from '../../router/streams.js'

/** A part without the answer's index. */
type Part = GenerationPart extends infer P ? (P extends unknown ? Omit<P, 'index'> : never) : never

/** What has come of an answer when it has ended. */
export interface Assembled {
  readonly answer: GeneratedAnswer
  readonly usage: GenerationUsage
  readonly timings: GenerationTimings
}

interface Finished {
  readonly reason: FinishReason
  readonly usage: GenerationUsage
  readonly timings: GenerationTimings
  readonly segments: readonly Segment[]
}

interface OpenCall {
  readonly id: string
  name: string
  arguments: string
}

export class PartAssembler {
  readonly #hasTools: boolean
  #markup: MarkupReader
  #text = ''
  #reasoning = ''
  #logprobs: TokenLogprob[] = []
  /** Those of tokens that are held back, since they may be of a mark. */
  #heldLogprobs: readonly TokenLogprob[] = []
  #calls: OpenCall[] = []
  /** Which of them an endpoint means by its numbers, which need not begin with 0. */
  #told = new Map<number, number>()
  /** How many of the calls are told whole. */
  #closedCalls = 0
  #open: 'text' | 'reasoning' | undefined
  #finished: Finished | undefined

  constructor(hasTools: boolean) {
    this.#hasTools = hasTools
    this.#markup = new MarkupReader({ hasTools })
  }

  push(event: RoutedEvent): readonly Part[] {
    switch (event.type) {
      case 'placement':
        return [event]
      case 'restart':
        return [...this.#restart(), event]
      case 'start':
        return this.#start(event.format)
      case 'delta':
        return this.#readDelta(event.text, event.logprobs)
      case 'reasoning':
        return this.#tell({ type: 'reasoning', text: event.text })
      case 'tool-call':
        return this.#readCall(event)
      case 'finish':
        return this.#finish(event)
    }
  }

  /** @throws EdgewardError INTERNAL before the answer has ended */
  get assembled(): Assembled {
    const finished = this.#finished
    if (finished === undefined) throw new EdgewardError('INTERNAL', 'The answer has not ended.')
    const { reason: finishReason, usage, timings, segments } = finished
    const answer = {
      text: this.#text,
      ...(this.#reasoning !== '' && { reasoning: this.#reasoning }),
      toolCalls: this.#calls.map(copyOf),
      finishReason,
      ...(this.#logprobs.length > 0 && { logprobs: this.#logprobs }),
      segments,
    }
    return { answer, usage, timings }
  }

  /** What follows is marked up so. */
  #start(format: TextFormat): readonly Part[] {
    const rest = this.#tellAll(this.#markup.end())
    this.#markup = new MarkupReader({ ...format, hasTools: this.#hasTools })
    return rest
  }

  #restart(): readonly Part[] {
    const closing = this.#close()
    this.#markup = new MarkupReader({ hasTools: this.#hasTools })
    this.#text = this.#reasoning = ''
    this.#logprobs = []
    this.#heldLogprobs = []
    this.#calls = []
    this.#told.clear()
    this.#closedCalls = 0
    return closing
  }

  #readDelta(text: string, logprobs: readonly TokenLogprob[] = []): readonly Part[] {
    this.#logprobs.push(...logprobs)
    this.#heldLogprobs = [...this.#heldLogprobs, ...logprobs]
    return this.#tellAll(this.#markup.push(text))
  }

  #tellAll(pieces: readonly Piece[]): readonly Part[] {
    const parts = pieces.flatMap((piece) => this.#tell(piece))
    const logprobs = this.#heldLogprobs
    if (parts.length === 0 || logprobs.length === 0) return parts
    this.#heldLogprobs = []
    const at = parts.findIndex(({ type }) => type === 'text-delta')
    return parts.map((part, index) => (index === at && part.type === 'text-delta' ? { ...part, logprobs } : part))
  }

  #tell(piece: Piece): readonly Part[] {
    switch (piece.type) {
      case 'text':
        this.#text += piece.text
        return [...this.#openAs('text'), { type: 'text-delta', text: piece.text }]
      case 'reasoning':
        this.#reasoning += piece.text
        return [...this.#openAs('reasoning'), { type: 'reasoning-delta', text: piece.text }]
      case 'call':
        return [...this.#close(), this.#beginCall(newCallId(), piece.name)]
      case 'arguments':
        return this.#addArguments(this.#calls.length - 1, piece.text)
      case 'call-end':
        return this.#closeCalls(this.#calls.length)
    }
  }

  /** Of an endpoint that reads calls itself. */
  #readCall({ call, id, name, arguments: text }: Extract<RoutedEvent, { type: 'tool-call' }>): readonly Part[] {
    const known = this.#told.get(call)
    if (known !== undefined) return this.#addArguments(known, text)
    const begun = this.#calls.length
    this.#told.set(call, begun)
    const before = [...this.#close(), ...this.#closeCalls(begun)]
    return [...before, this.#beginCall(id ?? newCallId(), name ?? ''), ...this.#addArguments(begun, text)]
  }

  #beginCall(id: string, name: string): Part {
    this.#calls.push({ id, name, arguments: '' })
    return { type: 'tool-call-delta', call: this.#calls.length - 1, id, name, arguments: '' }
  }

  #addArguments(call: number, text: string): readonly Part[] {
    const open = this.#calls[call]
    if (open === undefined || text === '') return []
    open.arguments += text
    return [{ type: 'tool-call-delta', call, id: open.id, arguments: text }]
  }

  #closeCalls(end: number): readonly Part[] {
    const from = this.#closedCalls
    this.#closedCalls = Math.max(from, end)
    return this.#calls.slice(from, end).map((open, index) => ({
      ...{ type: 'tool-call', call: from + index, toolCall: copyOf(open) },
    }))
  }

  #finish({ reason, usage, timings, segments }: Extract<RoutedEvent, { type: 'finish' }>): readonly Part[] {
    const rest = this.#tellAll(this.#markup.end())
    const closing = [...this.#close(), ...this.#closeCalls(this.#calls.length)]
    const whole = reason === 'stop' && this.#calls.length > 0 ? 'tool-calls' : reason
    const counted = { ...usage, promptTokens: usage.promptTokens ?? 0, completionTokens: usage.completionTokens ?? 0 }
    this.#finished = { reason: whole, usage: counted, timings, segments }
    return [...rest, ...closing, { type: 'finish', reason: whole, usage: counted, timings, segments }]
  }

  #openAs(kind: 'text' | 'reasoning'): readonly Part[] {
    if (this.#open === kind) return []
    const closing = this.#close()
    this.#open = kind
    return [...closing, { type: `${kind}-start` }]
  }

  #close(): readonly Part[] {
    const open = this.#open
    this.#open = undefined
    return open === undefined ? [] : [{ type: `${open}-end` }]
  }
}

function copyOf({ id, name, arguments: text }: OpenCall): ToolCall {
  return { id, name, arguments: text }
}

function newCallId(): string {
  return `call_${crypto.getRandomValues(new Uint32Array(3)).join('')}`
}
