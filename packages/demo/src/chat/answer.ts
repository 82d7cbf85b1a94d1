/** An answer while it is written: its text so far, who wrote which part of it, and how fast it came. */
import type { GenerationPart, GenerationUsage, Placement, Segment } from 'edgeward'

/** What an answer came to. */
export type Ending =
  | { readonly is: 'open' | 'stopped' | 'failed' }
  | { readonly is: 'finished'; readonly reason: string; readonly usage: GenerationUsage }

/** What happened while it was written, at `ms` after it was asked for. */
export interface Happening {
  readonly ms: number
  readonly kind: 'news' | 'fault' | 'recovery'
  readonly sentence: string
}

/** Characters from one to another, and who wrote them. */
export type Stretch = Pick<Segment, 'from' | 'to'> & { readonly engine: Placement['engine'] }

const places = { device: 'This device', remote: 'The endpoint' } as const

export class Answer {
  text = ''
  stretches: Stretch[] = []
  ending: Ending = { is: 'open' }
  /** Who writes now. */
  placement: Placement | undefined
  readonly happenings: Happening[] = []
  readonly #now: () => number
  readonly #askedAt: number
  #firstAt: number | undefined
  #lastAt = 0
  #deltas = 0

  /** @param now - milliseconds, from whenever */
  constructor(now = () => performance.now()) {
    this.#now = now
    this.#askedAt = now()
  }

  /** From the request to its first text, in milliseconds. */
  get firstTextMs(): number | undefined {
    return this.#firstAt === undefined ? undefined : this.#firstAt - this.#askedAt
  }

  /** Behind the first one; while it is written, each piece of text is taken for a token. */
  get tokensPerSecond(): number | undefined {
    const told = this.ending.is === 'finished' ? this.ending.usage.completionTokens : 0
    const tokens = (told || this.#deltas) - 1
    const ms = this.#lastAt - (this.#firstAt ?? this.#lastAt)
    return tokens > 0 && ms > 0 ? (1000 * tokens) / ms : undefined
  }

  add(part: GenerationPart): void {
    if (part.type === 'placement') this.#moved(part.placement, part.reason)
    else if (part.type === 'text-delta') this.#wrote(part.text)
    else if (part.type === 'restart') this.#restarted(part.reason)
    else if (part.type === 'finish') this.#finished(part)
  }

  note(kind: Happening['kind'], sentence: string): void {
    this.happenings.push({ ms: this.#now() - this.#askedAt, kind, sentence })
  }

  #moved(placement: Placement, reason: string | undefined): void {
    this.placement = placement
    const place = places[placement.engine]
    if (reason === undefined) this.note('news', `${place} writes.`)
    else this.note('recovery', `${place} goes on: ${inWords(reason)}.`)
  }

  #restarted(reason: string): void {
    this.text = ''
    this.stretches = []
    this.note('fault', `It begins again: ${inWords(reason)}.`)
  }

  #finished({ reason, usage, segments }: Extract<GenerationPart, { type: 'finish' }>): void {
    this.ending = { is: 'finished', reason, usage }
    // They count the raw text: of a model that marks something up, what was seen here is right.
    if (segments.at(-1)?.to === this.text.length) this.stretches = segments.map(stretchOf)
  }

  #wrote(text: string): void {
    const from = this.text.length
    const engine = this.placement?.engine ?? 'device'
    const last = this.stretches.at(-1)
    this.text += text
    this.#deltas += 1
    this.#lastAt = this.#now()
    this.#firstAt ??= this.#lastAt
    const to = this.text.length
    if (last?.engine === engine) this.stretches[this.stretches.length - 1] = { ...last, to }
    else this.stretches.push({ engine, from, to })
  }
}

/** There is one endpoint here, and its address is long. */
function inWords(reason: string): string {
  return reason.replace(/remote \([^)]*\)/g, 'the endpoint').replace(/device (?=\()/g, 'this device ')
}

function stretchOf({ placement, from, to }: Segment): Stretch {
  return { engine: placement.engine, from, to }
}
