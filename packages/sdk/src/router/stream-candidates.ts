/** Who may still write an answer: those of the plan, those that it moved away from, and those that would leave a seam. */
import type { Placement, Plan, RuledOutPlacement } from '../contract/index.js'
import type { EdgewardError } from '../errors/index.js'
import { afterFailure, afterLoss } from './after-failure.js'
import type { Candidate } from './attempt-candidate.js'
import type { Attempts, Ended } from './attempts.js'

/** Says why an answer cannot be gone on with by a candidate; undefined: it can. */
export type SeamOf = (candidate: Candidate) => string | undefined

export interface SeamCandidate {
  readonly candidate: Candidate
  readonly why: string
}

type Source = Pick<Attempts<object>, 'next' | 'nextBeside' | 'hasBeside' | 'takeReady' | 'comingBeside'>

export class StreamCandidates {
  readonly #attempts: Source
  readonly #seamOf: SeamOf
  #first: Candidate[] = []
  #last: Candidate[] = []
  #seams: SeamCandidate[] = []

  constructor(attempts: Source, seamOf: SeamOf) {
    this.#attempts = attempts
    this.#seamOf = seamOf
  }

  /** Those that could only begin again. */
  get seams(): readonly SeamCandidate[] {
    return this.#seams
  }

  /** Those, for whoever may not begin again. */
  get ruledOut(): readonly RuledOutPlacement[] {
    return this.#seams.map(({ candidate, why }) => {
      const reason = `the answer cannot be gone on with there without a seam: ${why}`
      return { placement: placementOf(candidate), code: 'NO_PLACEMENT', reason }
    })
  }

  /** Takes who writes next. */
  next(): Candidate | undefined {
    for (let candidate = this.#take(); candidate !== undefined; candidate = this.#take()) {
      const why = this.#seamOf(candidate)
      if (why === undefined) return candidate
      this.addSeam(candidate, why)
    }
    return undefined
  }

  /** Takes somebody of another engine who is ready to go on, if one is wanted. */
  beside(writing: Candidate, isWanted: (candidate: Candidate) => boolean): Candidate | undefined {
    const isSuitable = (other: Candidate) =>
      other.engine !== writing.engine && this.#seamOf(other) === undefined && isWanted(other)
    const at = this.#last.findIndex(isSuitable)
    if (at >= 0) return this.#last.splice(at, 1)[0]
    const candidate = this.#attempts.nextBeside(writing)
    if (candidate === undefined || isSuitable(candidate)) return candidate
    this.#first.push(candidate)
    return undefined
  }

  /** The device's placements that an answer could come home to. */
  comingHome(writing: Candidate): readonly Placement[] {
    return this.#attempts.comingBeside(writing)
  }

  /** Takes a placement that has become ready, if it can go on. */
  home(placement: Placement): Candidate | undefined {
    const candidate = this.#attempts.takeReady(placement)
    if (candidate === undefined || this.#seamOf(candidate) === undefined) return candidate
    this.#first.push(candidate)
    return undefined
  }

  /** It may write again when nobody else can. */
  putBack(candidate: Candidate): void {
    this.#last.push(candidate)
  }

  addSeam({ again: _again, ...candidate }: Candidate, why: string): void {
    this.#seams.push({ candidate, why })
  }

  /** The answer begins again: a seam is none any more. */
  beginAgain(): void {
    this.#last.push(...this.#seams.map(({ candidate }) => candidate))
    this.#seams = []
  }

  /**
   * What is not among {@link Attempts}' own is heeded here.
   *
   * @param isRefusal - whether it could have begun the answer, but not gone on with it
   */
  failed({ candidate, error }: Extract<Ended<object>, { kind: 'failed' }>, isRefusal: boolean): void {
    const left = (those: readonly Candidate[]) => afterStreamFailure(those, candidate, error)
    this.#first = left(this.#first)
    this.#last = left(this.#last)
    const seams = new Set(left(this.#seams.map((seam) => seam.candidate)).map(placementOf))
    this.#seams = this.#seams.filter((seam) => seams.has(placementOf(seam.candidate)))
    if (isRefusal) this.addSeam(candidate, error.message)
  }

  /** Who has written well before is asked before an endpoint is asked again. */
  #take(): Candidate | undefined {
    const candidate = this.#first.shift() ?? this.#attempts.next()
    if (candidate?.again?.kind !== 'retry' || this.#last.length === 0) return candidate ?? this.#last.shift()
    this.#first.push(candidate)
    return this.#last.shift()
  }
}

function afterStreamFailure(those: readonly Candidate[], failed: Candidate, error: EdgewardError): Candidate[] {
  if (error.isReplayed) return those.map((other) => afterLoss(other, error))
  return afterFailure(those, failed, error)
}

function placementOf({ planned: { placement } }: Candidate): Placement {
  return placement
}

/** A plan without those who cannot write at all. */
export function plannedStreams(plan: Plan, canWrite: (placement: Placement) => boolean): Plan {
  const isWriter = ({ placement }: { readonly placement: Placement }) => canWrite(placement)
  const others = plan.placements.filter((planned) => !isWriter(planned))
  return {
    ...plan,
    placements: plan.placements.filter(isWriter),
    ruledOut: [
      ...plan.ruledOut,
      ...others.map(({ placement }) => {
        return { placement, code: 'NO_PLACEMENT', reason: 'it cannot generate text' } as const
      }),
    ],
  }
}
