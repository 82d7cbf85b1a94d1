/** Moves an answer on purpose: home to the device, or away from who is slow. Who writes stops only when the next one has begun. */
import type { Placement, StreamRequest } from '../contract/index.js'
import { createDeferred } from '../shared/index.js'
import type { Candidate } from './attempt-candidate.js'
import type { Ended, Running } from './attempts.js'
import { describe } from './dispatch-errors.js'
import type { StreamAnswer } from './stream-answer.js'
import type { StreamCandidates } from './stream-candidates.js'
import type { StreamContext, StreamMove } from './stream-context.js'
import { isFaster, isWorthComingHome, moveWithinMs, slowness, stalledMs } from './stream-moves.js'
import type { StreamWriter, WrittenEnd } from './stream-writer.js'

/** So often at most is an answer moved on purpose. */
const mostMoves = 3

/** A move that is tried. */
export interface Move extends Pick<StreamMove, 'why' | 'reason'> {
  /** Whether the next one writes. */
  readonly isOver: boolean
  /** The next one has begun to write. */
  taken(): void
}

export interface StreamMoverParts {
  readonly context: StreamContext
  readonly request: StreamRequest
  readonly answer: StreamAnswer
  readonly candidates: StreamCandidates
  start(candidate: Candidate, move: Move): Running<WrittenEnd>
  /** Who was to write next has failed; whoever writes goes on. */
  onFailed(ended: Extract<Ended<WrittenEnd>, { kind: 'failed' }>): void
}

interface Wish extends Pick<StreamMove, 'why' | 'reason'> {
  readonly candidate: Candidate
}

export class StreamMover {
  readonly #parts: StreamMoverParts
  readonly #over = new AbortController()
  /** Each is moved away from once, if at all. */
  readonly #tried = new WeakSet<StreamWriter>()
  /** `never`: nothing comes home any more. */
  #home: 'unwatched' | 'watched' | 'never' | Placement = 'unwatched'
  #moves = 0

  constructor(parts: StreamMoverParts) {
    this.#parts = parts
  }

  /** The stream has ended. */
  dispose(): void {
    this.#over.abort()
  }

  /** Resolves when it is this writer's turn, or never again: then it is cancelled. */
  async consider(writer: StreamWriter, silentMs: number): Promise<void> {
    this.#watchHome(writer)
    const wish = this.#moves < mostMoves ? this.#wish(writer, silentMs) : undefined
    if (wish === undefined) return
    this.#moves += 1
    if (await this.#isTaken(wish)) this.#parts.candidates.putBack(writer.candidate)
  }

  async #isTaken({ candidate, ...wish }: Wish): Promise<boolean> {
    const { candidates, start, onFailed } = this.#parts
    const ended = createDeferred<boolean>()
    let isOver = false
    const move: Move = {
      ...wish,
      get isOver() {
        return isOver
      },
      taken: () => {
        isOver = true
        ended.resolve(true)
      },
    }
    const running = start(candidate, move)
    const timer = setTimeout(() => isOver || running.cancel(), moveWithinMs)
    void running.ended.then((end) => {
      if (isOver) return
      if (end.kind === 'failed') onFailed(end)
      else candidates.putBack(candidate)
      ended.resolve(false)
    })
    return ended.promise.finally(() => clearTimeout(timer))
  }

  #wish(writer: StreamWriter, silentMs: number): Wish | undefined {
    return this.#wishHome(writer, silentMs) ?? this.#wishAway(writer, silentMs)
  }

  /** Whoever has not written yet is left only when it is late. */
  #wishHome({ hasWritten, pace }: StreamWriter, silentMs: number): Wish | undefined {
    const home = this.#home
    if (typeof home === 'string' || (!hasWritten && silentMs === 0)) return undefined
    const { candidates, answer, request, context } = this.#parts
    this.#home = 'never'
    const candidate = candidates.home(home)
    if (candidate === undefined) return undefined
    if (isWorthComingHome(candidate.planned, pace, answer.tokens, context.prefersDevice ?? false, request)) {
      return { candidate, why: 'home', reason: `The model is ready on ${describe(home)}` }
    }
    candidates.putBack(candidate)
    return undefined
  }

  #wishAway(writer: StreamWriter, silentMs: number): Wish | undefined {
    if (!writer.hasWritten || this.#tried.has(writer)) return undefined
    const { candidates, context } = this.#parts
    const { candidate, pace } = writer
    const reason = slowness(candidate.planned, pace, context.minTokensPerSecond ?? 0, silentMs)
    if (reason === undefined) return undefined
    const isWanted = ({ planned }: Candidate) =>
      silentMs >= stalledMs || isFaster(planned, pace.tokensPerSecond ?? Infinity)
    const next = candidates.beside(candidate, isWanted)
    if (next === undefined) return undefined
    this.#tried.add(writer)
    return { candidate: next, why: 'slow', reason }
  }

  /** Only an answer that no placement of the device has begun comes home. */
  #watchHome({ candidate }: StreamWriter): void {
    const { comingHome } = this.#parts.context
    if (candidate.planned.placement.engine === 'device') this.#home = 'never'
    if (this.#home !== 'unwatched' || comingHome === undefined) return
    const placements = this.#parts.candidates.comingHome(candidate)
    this.#home = placements.length > 0 ? 'watched' : 'never'
    if (placements.length === 0) return
    comingHome(placements, this.#over.signal).then(
      (ready) => {
        if (this.#home === 'watched') this.#home = ready
      },
      () => undefined, // Nobody will know when it is ready.
    )
  }
}
