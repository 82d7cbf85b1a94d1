/** Asks the same few sentences again and again, and keeps account of what became of each request. */
import { isAbortError, type Attempt, type Placement } from 'edgeward'
import type { Answered } from '../record/record-panel.js'
import { rank } from '../search/rank.js'
import type { EmbedAnswer } from '../search/passage-index.js'

const everyMs = 250
/** While so many wait, for a model or for a slow endpoint, no more are asked. */
const mostWaiting = 40
/** Two placements compute nearly the same; what is further apart than this is another answer. */
const leastSimilarity = 0.98

const sentences = [
  'The lighthouse keeper counts the ships.',
  'Bread rises while the kitchen is warm.',
  'My train was late again this morning.',
  'An octopus can open a jar from inside.',
  'The tenant asks for the deposit back.',
  'Snow muffles every sound in the street.',
  'She repaired the radio with a spoon.',
  'The bees return before it rains.',
]

export interface Tally {
  readonly asked: number
  readonly answered: number
  readonly lost: number
  readonly wrong: number
  readonly device: number
  readonly remote: number
}

/** What became of one request. */
export type Outcome =
  | {
      readonly is: 'answered'
      readonly placement: Placement
      readonly ms: number
      readonly attempts: readonly Attempt[]
    }
  | { readonly is: 'lost'; readonly error: unknown }

export interface StreamListener {
  readonly onTally: (tally: Tally) => void
  readonly onOutcome: (outcome: Outcome) => void
  readonly onAnswer: (answered: Answered) => void
}

export class AnswerStream {
  readonly #ask: (texts: readonly string[]) => Promise<EmbedAnswer>
  readonly #listener: StreamListener
  readonly #firstVectors = new Map<string, Float32Array>()
  #tally: Tally = { asked: 0, answered: 0, lost: 0, wrong: 0, device: 0, remote: 0 }
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(ask: (texts: readonly string[]) => Promise<EmbedAnswer>, listener: StreamListener) {
    this.#ask = ask
    this.#listener = listener
  }

  get isRunning(): boolean {
    return this.#timer !== undefined
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.#askNext(), everyMs)
  }

  /** What was asked is still answered. */
  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async #askNext(): Promise<void> {
    const { asked, answered, lost } = this.#tally
    if (asked - answered - lost >= mostWaiting) return
    const sentence = sentences[asked % sentences.length] ?? ''
    this.#count({ asked: 1 })
    try {
      this.#answered(sentence, await this.#ask([sentence]))
    } catch (error) {
      // Whoever cancels what is under way has lost nothing.
      if (isAbortError(error)) {
        this.#count({ asked: -1 })
        return
      }
      this.#count({ lost: 1 })
      this.#listener.onOutcome({ is: 'lost', error })
    }
  }

  #answered(sentence: string, { output: [vector], ...answered }: EmbedAnswer): void {
    const { placement, attempts, timings } = answered
    const first = this.#firstVectors.get(sentence) ?? vector
    if (first !== undefined) this.#firstVectors.set(sentence, first)
    const score = vector === undefined || first === undefined ? NaN : rank(vector, [first])[0]?.score
    const isRight = score !== undefined && score >= leastSimilarity
    this.#count({ answered: 1, wrong: isRight ? 0 : 1, [placement.engine]: 1 })
    this.#listener.onAnswer(answered)
    this.#listener.onOutcome({ is: 'answered', placement, ms: timings.totalMs, attempts })
  }

  #count(change: Partial<Tally>): void {
    const { asked, answered, lost, wrong, device, remote } = this.#tally
    this.#tally = {
      asked: asked + (change.asked ?? 0),
      answered: answered + (change.answered ?? 0),
      lost: lost + (change.lost ?? 0),
      wrong: wrong + (change.wrong ?? 0),
      device: device + (change.device ?? 0),
      remote: remote + (change.remote ?? 0),
    }
    this.#listener.onTally(this.#tally)
  }
}
