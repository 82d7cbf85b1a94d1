/** Makes the events of an answer from what an endpoint sends, and sees to it that the answer is whole. */
import type {
  FinishReason,
  GenerationEvent,
  GenerationTimings,
  GenerationUsage,
  TextFormat,
} from '../../contract/index.js'
import { EdgewardError } from '../../errors/index.js'
import { endedBadly, endedWithoutReason } from './answer-failures.js'
import { cannotContinue } from './cannot-continue.js'
import type { Chunk } from './chunk.js'
import type { Seam } from './seam.js'
import { WholeText, type Piece } from './whole-text.js'

/** OpenAI's reasons to end that are good ones. `eos` is of servers that tell apart how it stopped. */
const goodReasons: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  eos: 'stop',
  eos_token: 'stop',
  stop_sequence: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
}

export interface AnswerOptions {
  readonly url: string
  /** How the model marks what is not the answer; empty where the server reads the marks. */
  readonly format: TextFormat
  /** Absent: the answer begins here. */
  readonly seam?: Seam
  /** How many tokens were written before it. */
  readonly usedTokens?: number
  readonly now?: () => number
}

/** Of one answer. */
export class Answer {
  readonly #options: AnswerOptions
  readonly #now: () => number
  readonly #startedAt: number
  readonly #whole = new WholeText()
  #hasStarted = false
  #hasTold = false
  #isStopped = false
  #finishReason: string | undefined
  #usage: Partial<GenerationUsage> = {}
  /** Without the marks that the server took out, ids and text are not of each other. */
  #hasIds = true
  #firstAt: number | undefined
  #lastAt = 0
  #deltas = 0

  constructor(options: AnswerOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#startedAt = this.#now()
  }

  /** Whether all that matters has come: what fails after that takes nothing from the answer. */
  get isFinished(): boolean {
    return this.#finishReason !== undefined
  }

  /** Whether a stop string is complete that began before the seam: the server goes on, in vain. */
  get isStopped(): boolean {
    return this.#isStopped
  }

  /** @throws EdgewardError for what is not an answer's */
  *push(chunk: Chunk): Generator<GenerationEvent> {
    const { text, reasoning, calls, usage, finishReason } = chunk
    const isSilent = text === '' && reasoning === '' && calls.length === 0
    if (this.#finishReason !== undefined && !isSilent) throw this.#malformed('text after the end of the answer')
    if (!this.#hasStarted) yield this.#start(chunk)
    if (usage) this.#usage = usage
    if (!isSilent) this.#time()
    if (reasoning !== '') yield* this.#beside({ type: 'reasoning', text: reasoning })
    if (text !== '' || chunk.tokenIds) yield* this.#tell(this.#whole.push(chunk))
    for (const call of calls) yield* this.#beside({ type: 'tool-call', ...call })
    if (finishReason !== undefined) yield* this.#finish(finishReason)
  }

  /** @param isDone - whether `[DONE]` came @throws EdgewardError when the answer is not whole */
  *end(isDone: boolean): Generator<GenerationEvent> {
    if (this.#finishReason === undefined) throw endedWithoutReason(this.#options.url, isDone, this.#hasStarted)
    const reason = goodReasons[this.#finishReason] ?? 'stop'
    yield { type: 'finish', reason, usage: this.#wholeUsage(), timings: this.#timings() }
  }

  #start({ promptIds }: Chunk): GenerationEvent {
    this.#hasStarted = true
    // What goes on has a prompt that is not the request's.
    const prompt = promptIds && !this.#options.seam ? { promptIds, promptTokens: promptIds.length } : {}
    return { type: 'start', format: this.#options.format, ...prompt }
  }

  /** What the server has taken out of the text. */
  *#beside(event: GenerationEvent): Generator<GenerationEvent> {
    yield* this.#tell(this.#whole.flush())
    yield* this.#told(this.#options.seam?.flush())
    if (this.#options.seam && !this.#hasTold && event.type === 'reasoning') {
      throw cannotContinue(this.#options.url, 'it began to think anew')
    }
    this.#hasIds = false
    yield event
  }

  *#finish(reason: string): Generator<GenerationEvent> {
    // What ended it is complete already; that this was its last token, too, changes nothing.
    if (this.#isStopped) return
    if (this.#finishReason !== undefined && this.#finishReason !== reason) throw this.#malformed('two reasons to end')
    if (!Object.hasOwn(goodReasons, reason)) throw endedBadly(reason, this.#options.url)
    yield* this.#tell(this.#whole.flush())
    if (this.#isStopped) return
    this.#finishReason = reason
    yield* this.#told(this.#options.seam?.flush())
  }

  *#tell(piece: Piece | undefined): Generator<GenerationEvent> {
    if (!piece) return
    const { seam } = this.#options
    const joined = seam ? seam.push(piece) : piece
    if (joined === 'stop') {
      this.#finishReason = 'stop'
      this.#isStopped = true
    } else yield* this.#told(joined)
  }

  *#told(piece: Piece | undefined): Generator<GenerationEvent> {
    if (!piece) return
    const { text, tokenIds, logprobs } = piece
    this.#hasTold = true
    yield {
      type: 'delta',
      text,
      ...(tokenIds && this.#hasIds && { tokenIds }),
      ...(logprobs && { logprobs }),
    }
  }

  #time(): void {
    this.#lastAt = this.#now()
    this.#firstAt ??= this.#lastAt
    this.#deltas += 1
  }

  /** As the device has it: of the whole answer. */
  #wholeUsage(): Partial<GenerationUsage> {
    const { completionTokens } = this.#usage
    if (completionTokens === undefined) return this.#usage
    return { ...this.#usage, completionTokens: (this.#options.usedTokens ?? 0) + completionTokens }
  }

  #timings(): GenerationTimings {
    const inferenceMs = this.#now() - this.#startedAt
    if (this.#firstAt === undefined) return { inferenceMs }
    const firstTokenMs = this.#firstAt - this.#startedAt
    // Where the server does not count its tokens, each event has been one.
    const tokens = this.#usage.completionTokens ?? this.#deltas
    const seconds = (this.#lastAt - this.#firstAt) / 1000
    const speed = tokens > 1 && seconds > 0 ? { tokensPerSecond: (tokens - 1) / seconds } : {}
    return { inferenceMs, firstTokenMs, ...speed }
  }

  #malformed(what: string): EdgewardError {
    const { url } = this.#options
    return new EdgewardError('REMOTE_MALFORMED', `${url} sent ${what}`, { details: { url } })
  }
}
