/** How fast somebody writes, without the time in which nobody reads. */

/**
 * What one attempt at a stream was measured at, in milliseconds, without the time in which nobody read. Of an engine that
 * writes ahead of its reader it says too little: what a `finish` tells goes before.
 */
export interface StreamPace {
  /** From the attempt's start to its first text. */
  readonly firstOutputMs?: number
  /** All that it wrote, as far as can be told. */
  readonly tokens: number
  /** Of those, the ones after the first text, and what they took. */
  readonly laterTokens: number
  readonly laterMs: number
}

/** The speed is that of at least so many of the newest tokens, and nothing is said of fewer. */
const windowTokens = 16

interface Step {
  readonly tokens: number
  readonly ms: number
}

export class Pace {
  #firstOutputMs: number | undefined
  #waitedMs = 0
  #tokens = 0
  #later: Step = { tokens: 0, ms: 0 }
  #newest: Step[] = []

  /** Somebody has waited for so many milliseconds, and so many tokens came. */
  came(tokens: number, ms: number): void {
    this.#tokens += tokens
    if (this.#firstOutputMs === undefined) {
      this.#waitedMs += ms
      this.#firstOutputMs = this.#waitedMs
      return
    }
    this.#later = plus(this.#later, { tokens, ms })
    this.#newest.push({ tokens, ms })
    for (let [oldest] = this.#newest; oldest !== undefined; [oldest] = this.#newest) {
      if (sumOf(this.#newest).tokens - oldest.tokens < windowTokens) break
      this.#newest.shift()
    }
  }

  /** Tokens a second of the newest ones, without the slowest step: one says nothing. Undefined: there are too few. */
  get tokensPerSecond(): number | undefined {
    const all = sumOf(this.#newest)
    if (all.tokens < windowTokens) return undefined
    const slowest = this.#newest.reduce((one, other) => (other.ms > one.ms ? other : one))
    return ((all.tokens - slowest.tokens) * 1_000) / Math.max(1e-3, all.ms - slowest.ms)
  }

  get measured(): StreamPace {
    const first = this.#firstOutputMs === undefined ? {} : { firstOutputMs: this.#firstOutputMs }
    return { ...first, tokens: this.#tokens, laterTokens: this.#later.tokens, laterMs: this.#later.ms }
  }
}

function sumOf(steps: readonly Step[]): Step {
  return steps.reduce(plus, { tokens: 0, ms: 0 })
}

function plus(a: Step, b: Step): Step {
  return { tokens: a.tokens + b.tokens, ms: a.ms + b.ms }
}
