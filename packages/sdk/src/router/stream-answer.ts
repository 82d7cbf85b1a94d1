/** An answer while it is written: its raw text and ids so far, who wrote what, and how its text is marked up. */
import type { Attempt, GenerationEvent, GenerationResume, Placement, Segment, TextFormat } from '../contract/index.js'
import { isInsideMarkup, isInsideReasoning } from './stream-markup.js'

export type StartEvent = Extract<GenerationEvent, { type: 'start' }>
export type FinishEvent = Extract<GenerationEvent, { type: 'finish' }>
export type ContentEvent = Exclude<GenerationEvent, { type: 'start' | 'finish' }>

/** The longest text that is one token where an endpoint tells no ids: most send each token by itself. */
const longestToken = 16
const charactersPerToken = 4

export class StreamAnswer {
  readonly #hasTools: boolean
  #text = ''
  /** Undefined: somebody did not tell them. */
  #tokenIds: number[] | undefined = []
  #promptIds: readonly number[] | undefined
  #format: TextFormat | undefined
  #segments: Segment[] = []
  /** Characters of everything, also of what an endpoint has read out of the markup itself. */
  #length = 0
  #isReadOut = false
  /** Tokens that were written, as far as can be told. */
  tokens = 0
  promptTokens: number | undefined

  /** @param hasTools - whether the model may call some */
  constructor(hasTools: boolean) {
    this.#hasTools = hasTools
  }

  /** Whether anything was written. */
  get isBegun(): boolean {
    return this.#length > 0 || this.#isReadOut
  }

  /** Whether {@link StreamAnswer.tokens} is exact. */
  get isCounted(): boolean {
    return this.#tokenIds !== undefined
  }

  /** Whether an endpoint has read reasoning or calls out of the raw text, which nobody knows then. */
  get isReadOut(): boolean {
    return this.#isReadOut
  }

  /** Whether the text ends inside of its reasoning, of a call or of a mark. */
  get isInsideMarkup(): boolean {
    return isInsideMarkup(this.#text, this.#format ?? {}, this.#hasTools)
  }

  /** What another engine goes on from; undefined before the first character. */
  get resume(): GenerationResume | undefined {
    if (!this.isBegun) return undefined
    return {
      text: this.#text,
      ...(this.#tokenIds && { tokenIds: [...this.#tokenIds] }),
      ...(this.#tokenIds && this.#promptIds && { promptIds: this.#promptIds }),
      ...(this.isInsideMarkup && { onlyByIds: true }),
      usedTokens: this.tokens,
    }
  }

  /** Whether all tokens that were asked for are written, though nobody has said so. */
  hasAll(maxTokens = Infinity): boolean {
    return this.isCounted && this.tokens >= maxTokens
  }

  /** Somebody begins to write. @returns what the reader has to know of that, if it reads otherwise from here on */
  begin({ type, format, ...start }: StartEvent): StartEvent | undefined {
    const before = this.#format
    this.#format = format
    this.#promptIds = start.promptIds ?? this.#promptIds
    this.promptTokens = start.promptTokens ?? start.promptIds?.length ?? this.promptTokens
    if (!this.isBegun || before === undefined) {
      this.#tokenIds = []
      this.tokens = 0
      return { type, format, ...start }
    }
    this.#format = { ...format, startsInReasoning: before.startsInReasoning ?? false }
    if (isSameMarkup(before, format)) return undefined
    return { type, ...start, format: { ...format, startsInReasoning: isInsideReasoning(this.#text, before) } }
  }

  /** Something was written. */
  add(event: ContentEvent, placement: Placement): void {
    const text = textOf(event)
    this.tokens += tokensOf(event)
    if (event.type === 'delta') {
      this.#text += text
      if (event.tokenIds === undefined) this.#tokenIds = undefined
      else this.#tokenIds?.push(...event.tokenIds)
    } else {
      this.#isReadOut = true
      this.#tokenIds = undefined
    }
    this.#extend(placement, text.length)
  }

  /** Begins again. */
  clear(): void {
    this.#text = ''
    this.#tokenIds = []
    this.#format = undefined
    this.#segments = []
    this.#length = this.tokens = 0
    this.#isReadOut = false
  }

  /**
   * What is told of the whole answer at its end: whoever wrote its end knows its own part.
   *
   * @param moved - of one that several have written: when its first text came, in milliseconds from the request
   */
  finishOf(
    { usage, timings, ...finish }: FinishEvent,
    attempts: readonly Attempt[],
    moved?: { readonly firstTokenMs: number },
  ): FinishEvent & { readonly segments: readonly Segment[]; readonly attempts: readonly Attempt[] } {
    const { promptTokens = usage.promptTokens } = this
    // Tokens that end an answer are of it, and have no text.
    const completionTokens = moved ? Math.max(this.tokens, usage.completionTokens ?? 0) : this.tokens
    const whole = { ...(promptTokens !== undefined && { promptTokens }), completionTokens }
    return {
      ...finish,
      usage: moved ? { ...usage, ...whole } : { ...whole, ...usage },
      timings: { ...timings, ...moved },
      segments: [...this.#segments],
      attempts,
    }
  }

  #extend(placement: Placement, characters: number): void {
    if (characters === 0) return
    const from = this.#length
    this.#length += characters
    const last = this.#segments.at(-1)
    const isSame = last !== undefined && last.to === from && last.placement === placement
    if (isSame) this.#segments[this.#segments.length - 1] = { ...last, to: this.#length }
    else this.#segments.push({ placement, from, to: this.#length })
  }
}

/** How many tokens something is, as far as can be told. */
export function tokensOf(event: ContentEvent): number {
  const { length } = textOf(event)
  const told = event.type === 'delta' ? (event.tokenIds ?? event.logprobs)?.length : undefined
  return told ?? (length > longestToken ? Math.ceil(length / charactersPerToken) : Math.min(1, length))
}

function textOf(event: ContentEvent): string {
  return event.type === 'tool-call' ? event.arguments : event.text
}

/** Where the text begins does not matter in its middle. */
function isSameMarkup(a: TextFormat, b: TextFormat): boolean {
  return a.reasoning?.open === b.reasoning?.open && a.reasoning?.close === b.reasoning?.close && a.tools === b.tools
}
