/** What became of the requests of a world, and what is wrong with it. Pure. */
import type { Attempt, ErrorCode, Placement } from 'edgeward'

interface About {
  readonly kind: 'text' | 'tensor'
  /** Which of the different requests of its kind it was. */
  readonly index: number
  readonly ms: number
}

/** As `pages/world.js` tells it. */
export type Outcome = About &
  (
    | {
        readonly state: 'answered'
        readonly output: readonly number[]
        readonly placement: Placement
        readonly attempts: readonly Attempt[]
      }
    | {
        readonly state: 'failed'
        readonly name: string
        readonly code?: ErrorCode
        readonly message: string
        readonly attempts: readonly Attempt[]
        readonly cause: string
      }
    /** It never settled. */
    | { readonly state: 'lost' }
  )

export type Answered = Extract<Outcome, { state: 'answered' }>

/** The right outputs, by kind and index. */
export type References = Readonly<Record<Outcome['kind'], readonly (readonly number[])[]>>

/** What must be empty. */
export interface Problems {
  readonly lost: readonly Outcome[]
  readonly wrong: readonly Outcome[]
  readonly failed: readonly Outcome[]
}

export function problemsOf(outcomes: readonly Outcome[], references: References): Problems {
  return {
    lost: outcomes.filter(({ state }) => state === 'lost'),
    failed: outcomes.filter(({ state }) => state === 'failed'),
    wrong: outcomes.filter((outcome) => isAnswered(outcome) && !isRight(outcome, references)),
  }
}

/** Where the answers came from: `webgpu`, `wasm`, `endpoint`, without repetition, in this order. */
export function placesOf(outcomes: readonly Outcome[]): readonly string[] {
  const found = new Set(outcomes.filter(isAnswered).map(({ placement }) => nameOf(placement)))
  return ['webgpu', 'wasm', 'endpoint'].filter((name) => found.has(name))
}

/** The codes of all attempts that failed, without repetition. */
export function codesOf(outcomes: readonly Outcome[]): readonly string[] {
  const attempts = outcomes.flatMap((outcome) => ('attempts' in outcome ? outcome.attempts : []))
  return [...new Set(attempts.map(({ code }) => code))].sort()
}

function nameOf(placement: Placement): string {
  return placement.engine === 'device' ? placement.backend : 'endpoint'
}

function isAnswered(outcome: Outcome): outcome is Answered {
  return outcome.state === 'answered'
}

/** Vectors of different sentences have less than half of this similarity; 8-bit backends round differently. */
const leastCosine = 0.99
/** Of tiny-mlp's outputs: as its canary allows. */
const tolerance = { absolute: 1e-4, relative: 1e-3 }

function isRight({ kind, index, output }: Answered, references: References): boolean {
  const right = references[kind][index] ?? []
  if (output.length !== right.length || right.length === 0) return false
  if (kind === 'text') return cosine(output, right) >= leastCosine
  return output.every((value, at) => {
    const expected = right[at] ?? NaN
    // Written so that NaN fails too.
    return Math.abs(value - expected) <= tolerance.absolute + tolerance.relative * Math.abs(expected)
  })
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, index) => sum + value * (y[index] ?? NaN), 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}
