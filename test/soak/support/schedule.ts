/** What fails when: a pure function of the seed. At every moment somebody can answer, except in a blackout. */
import { Random } from '../../sim/random.js'

/**
 * What a fault takes away.
 *
 * - `strike`: the device, for the moment in which a fresh worker is started from what the site or the cache has.
 * - `memory`: the device, for the request that meets it: nobody asks it again at once.
 * - `weights`: what is stored; the site gives it again.
 * - `tab`: nothing but time.
 * - `endpoint`, `site`: that server. `slow`: nobody.
 */
type Loss = 'strike' | 'memory' | 'weights' | 'tab' | 'endpoint' | 'site' | 'slow'

/** Every fault, with what it takes away, and in which kinds of acts it may happen. */
export const faults = {
  'the worker ends': 'strike',
  'the worker hangs': 'strike',
  'the GPU is lost': 'tab',
  'a run is out of memory': 'memory',
  'a run throws a number': 'memory',
  'the site’s data is cleared': 'weights',
  'a stored chunk is spoilt, and the worker ends': 'strike',
  'the quota is used up': 'weights',
  'a tab is reloaded': 'tab',
  'a tab is frozen': 'tab',
  'a tab comes and goes': 'tab',
  'the endpoint is down': 'endpoint',
  'the endpoint is overloaded': 'endpoint',
  'the endpoint answers garbage': 'endpoint',
  'the endpoint says nothing': 'endpoint',
  'the endpoint is slow': 'slow',
  'the network is slow': 'slow',
  'the site is down': 'site',
  'the network is cut': 'site',
} as const satisfies Readonly<Record<string, Loss>>

export type FaultName = keyof typeof faults

/** A fault of an act, in milliseconds from the act's begin. What happens at once has no end of its own. */
export interface PlannedFault {
  readonly name: FaultName
  readonly fromMs: number
  readonly toMs: number
}

/**
 * - `online`: the site answers, so that the device can always come back.
 * - `memory`: the site and the endpoint answer, while the device runs out of memory.
 * - `cut`: the site is gone, and nothing disturbs the device, where all models are ready.
 * - `blackout`: site, endpoint and worker are gone: nobody can answer.
 */
export type ActKind = 'online' | 'memory' | 'cut' | 'blackout'

export interface Act {
  readonly number: number
  readonly kind: ActKind
  readonly lengthMs: number
  /** By their begins. */
  readonly faults: readonly PlannedFault[]
}

/** Why somebody can answer throughout an act of a kind; undefined: nobody may be able to. */
export const whoAnswers: Readonly<Record<ActKind, string | undefined>> = {
  online: 'the device, from the site or the cache',
  memory: 'the endpoint, and the device after its rest',
  cut: 'the device, where all models are ready',
  blackout: undefined,
}

/** At most so many strikes an act: a request is asked of the device twice at most. */
const kinds = [
  {
    kind: 'online',
    share: 6,
    first: ['strike', 'weights', 'tab', 'endpoint'],
    others: ['weights', 'tab', 'endpoint', 'slow'],
  },
  { kind: 'memory', share: 2, first: ['memory'], others: ['tab', 'slow'] },
  { kind: 'cut', share: 3, first: ['site'], others: ['endpoint', 'slow'] },
  { kind: 'blackout', share: 1, first: [], others: [] },
] as const satisfies readonly {
  readonly kind: ActKind
  readonly share: number
  readonly first: readonly Loss[]
  readonly others: readonly Loss[]
}[]

/** The acts of a seed, without end. */
export function* actsOf(seed: number): Generator<Act, never> {
  const random = new Random(seed)
  for (let number = 1; ; number += 1) yield actOf(number, random)
}

function actOf(number: number, random: Random): Act {
  const { kind, first, others } = random.pick(kinds)
  const lengthMs = Math.round(random.between(4_000, 8_000))
  const chosen =
    kind === 'blackout'
      ? (['the network is cut', 'the worker ends'] as const)
      : [oneOf(named(first), random), ...several(named(others), random)]
  const planned = [...new Set(chosen)].map((name) => spanOf(name, lengthMs, random))
  return { number, kind, lengthMs, faults: planned.sort((a, b) => a.fromMs - b.fromMs) }
}

/** None to two. */
function several(names: readonly FaultName[], random: Random): readonly FaultName[] {
  return Array.from({ length: Math.floor(random.between(0, 3)) }, () => oneOf(names, random))
}

function spanOf(name: FaultName, lengthMs: number, random: Random): PlannedFault {
  const fromMs = Math.round(random.between(0, lengthMs / 3))
  return { name, fromMs, toMs: Math.round(random.between(fromMs + 1_500, lengthMs)) }
}

function named(losses: readonly Loss[]): readonly FaultName[] {
  const all = Object.keys(faults) as FaultName[] // The keys are the names.
  return all.filter((name) => losses.includes(faults[name]))
}

function oneOf<T>(choices: readonly T[], random: Random): T {
  const chosen = choices[Math.floor(random.between(0, choices.length))]
  if (chosen === undefined) throw new Error('there is nothing to choose from')
  return chosen
}
