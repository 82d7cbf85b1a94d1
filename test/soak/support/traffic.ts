/** What is asked: a pure function of the seed. */
import type { Lane, Policy } from 'edgeward'
import { Random } from '../../sim/random.js'

export type Kind = 'text' | 'tensor' | 'picture'

/** As `pages/requests.js` sends it. */
export interface Asked {
  readonly number: number
  readonly kind: Kind
  /** Which of the different inputs of its kind. */
  readonly index: number
  readonly lane: Lane
  readonly policy: Policy
  /** When the caller aborts it. */
  readonly abortAfterMs?: number
}

/** How many different inputs each kind has. */
export const inputs: Readonly<Record<Kind, number>> = { text: 4, tensor: 4, picture: 1 }

const kinds = [
  { kind: 'tensor', share: 10 },
  { kind: 'text', share: 6 },
  { kind: 'picture', share: 1 },
] as const
const lanes = [
  { lane: 'interactive', share: 1 },
  { lane: 'default', share: 2 },
  { lane: 'background', share: 1 },
] as const
const policies = [
  { policy: { prefer: 'device' }, share: 3 },
  { policy: { prefer: 'cheapest' }, share: 3 },
  { policy: { prefer: 'fastest' }, share: 2 },
  { policy: { prefer: 'remote' }, share: 2 },
  { policy: { residency: 'local-only' }, share: 2 },
] as const

/** The requests of a seed, without end, each with the milliseconds to wait before it. */
export function* requestsOf(seed: number): Generator<{ readonly asked: Asked; readonly pauseMs: number }, never> {
  const random = new Random(seed).fork()
  for (let number = 1; ; number += 1) {
    // Always as many draws, so that one request's nature does not shift the next one's.
    const { kind } = random.pick(kinds)
    const { lane } = random.pick(lanes)
    const { policy } = random.pick(policies)
    const [which, hurry, deadline, whim, patience, pause] = Array.from({ length: 6 }, () => random.next()) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    const asked: Asked = {
      number,
      kind,
      index: Math.floor(which * inputs[kind]),
      lane,
      policy: hurry < 0.1 ? { ...policy, deadlineMs: Math.round(200 + 6_000 * deadline) } : policy,
      ...(whim < 0.05 ? { abortAfterMs: Math.round(1_500 * patience) } : {}),
    }
    yield { asked, pauseMs: -Math.log(1 - pause) * meanPauseMs }
  }
}

const meanPauseMs = 250
