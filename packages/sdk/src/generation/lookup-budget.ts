/** Decides from measured times how many guessed tokens are worth checking. */

/** The share of the time that may be lost to guesses that do not pay. */
const share = 0.01
/** In steps: what may be lost at first, and the most that is saved up. */
const firstCredit = 2
const mostCredit = 8
const lengths = { least: 2, first: 4, most: 10 } as const

/** What checking a draft came to. */
export interface Check {
  readonly drafted: number
  readonly accepted: number
  readonly ms: number
}

export class LookupBudget {
  /** How long a step without a draft takes; undefined: not measured yet. */
  #plainMs: number | undefined
  /** Milliseconds that drafts have won and may lose. */
  #credit = 0
  #length: number = lengths.first

  /** How many tokens to guess; 0: as long as guesses have cost more than they won. */
  get draftLength(): number {
    return this.#plainMs === undefined || this.#credit < 0 ? 0 : this.#length
  }

  /** Takes the time of a step without a draft. */
  addStep(ms: number): void {
    if (this.#plainMs === undefined) this.#credit = firstCredit * ms
    this.#plainMs = this.#plainMs === undefined ? ms : this.#plainMs + (ms - this.#plainMs) / 8
    this.#gain(share * ms)
  }

  addCheck({ drafted, accepted, ms }: Check): void {
    this.#gain((accepted + 1) * (this.#plainMs ?? 0) - ms)
    const next = accepted === drafted ? drafted * 2 : accepted + 1
    this.#length = Math.min(lengths.most, Math.max(lengths.least, next))
  }

  #gain(ms: number): void {
    this.#credit = Math.min(this.#credit + ms, mostCredit * (this.#plainMs ?? 0))
  }
}
