/** A choice of /v1/chat/completions: what the model wrote, with its markup of reasoning and calls read. */
import { randomUUID } from 'node:crypto'
import { MarkupReader, type GenerationEvent, type Piece, type TokenLogprob } from 'edgeward/generation'
import { finishReason, type ChoiceWriter } from './choices.js'
import { chatLogprobs } from './logprobs.js'

export interface ChatChoiceOptions {
  readonly index: number
  readonly hasTools: boolean
  readonly withTokenIds: boolean
  /** What the answer begins with and is not told again. */
  readonly prefix: string
}

interface Call {
  readonly id: string
  readonly name: string
  arguments: string
}

type Delta = Extract<GenerationEvent, { type: 'delta' }>

export class ChatChoice implements ChoiceWriter {
  readonly #options: ChatChoiceOptions
  readonly #calls: Call[] = []
  readonly #tokenIds: number[] = []
  readonly #logprobs: TokenLogprob[] = []
  #reader: MarkupReader
  #content = ''
  #reasoning = ''
  #finish: string | null = null

  constructor(options: ChatChoiceOptions) {
    this.#options = options
    this.#reader = new MarkupReader({ hasTools: options.hasTools })
  }

  write(event: GenerationEvent): readonly object[] {
    switch (event.type) {
      case 'start':
        this.#reader = new MarkupReader({ ...event.format, hasTools: this.#options.hasTools })
        this.#reader.push(this.#options.prefix)
        return [this.#choice({ role: 'assistant', content: '' })]
      case 'delta':
        return this.#delta(event)
      case 'finish':
        return this.#end(event)
      default:
        // Of engines that read the markup themselves; this one does not.
        return []
    }
  }

  whole(): object {
    const calls = this.#calls.map(({ id, ...called }) => ({ id, type: 'function', function: called }))
    return {
      index: this.#options.index,
      message: {
        role: 'assistant',
        content: this.#content === '' && calls.length > 0 ? null : this.#content,
        ...(this.#reasoning !== '' && { reasoning_content: this.#reasoning }),
        ...(calls.length > 0 && { tool_calls: calls }),
      },
      logprobs: this.#logprobs.length === 0 ? null : chatLogprobs(this.#logprobs),
      finish_reason: this.#finish,
      ...this.#ids(this.#tokenIds),
    }
  }

  #delta({ text, tokenIds = [], logprobs = [] }: Delta): readonly object[] {
    this.#tokenIds.push(...tokenIds)
    this.#logprobs.push(...logprobs)
    const [first, ...others] = this.#reader.push(text).flatMap((piece) => this.#tell(piece))
    const isAwaited = this.#options.withTokenIds || logprobs.length > 0
    // Ids and probabilities are told at once, also where their text is held back.
    if (first === undefined && !isAwaited) return []
    const more = { ...(logprobs.length > 0 && { logprobs: chatLogprobs(logprobs) }), ...this.#ids(tokenIds) }
    return [this.#choice(first ?? { content: '' }, more), ...others.map((delta) => this.#choice(delta, this.#ids([])))]
  }

  #end({ reason }: Extract<GenerationEvent, { type: 'finish' }>): readonly object[] {
    const rest = this.#reader.end().flatMap((piece) => this.#tell(piece))
    const called = this.#calls.length > 0 && reason === 'stop'
    this.#finish = called ? 'tool_calls' : finishReason(reason)
    const last = this.#choice({}, { finish_reason: this.#finish, ...this.#ids([]) })
    return [...rest.map((delta) => this.#choice(delta, this.#ids([]))), last]
  }

  /** The delta of a piece, which is kept for the whole too. */
  #tell(piece: Piece): object[] {
    switch (piece.type) {
      case 'text':
        this.#content += piece.text
        return [{ content: piece.text }]
      case 'reasoning':
        this.#reasoning += piece.text
        return [{ reasoning_content: piece.text }]
      case 'call': {
        const call = { id: `call_${randomUUID()}`, name: piece.name, arguments: '' }
        this.#calls.push(call)
        return [this.#callDelta({ id: call.id, type: 'function', function: { name: call.name, arguments: '' } })]
      }
      case 'arguments': {
        const call = this.#calls.at(-1)
        if (call) call.arguments += piece.text
        return [this.#callDelta({ function: { arguments: piece.text } })]
      }
      case 'call-end':
        return []
    }
  }

  #callDelta(call: object): object {
    return { tool_calls: [{ index: this.#calls.length - 1, ...call }] }
  }

  #ids(tokenIds: readonly number[]): object {
    return this.#options.withTokenIds ? { token_ids: tokenIds } : {}
  }

  #choice(delta: object, more: object = {}): object {
    return { index: this.#options.index, delta, logprobs: null, finish_reason: null, ...more }
  }
}
