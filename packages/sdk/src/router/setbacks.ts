/** Setbacks: which placements of the device rest after failures, and for how long, also after the page was reloaded. */
import type { Backend, Manifest, RestingPlacement, Setback } from '../contract/index.js'
import { errorRules, type ErrorCode } from '../errors/index.js'
import { backendKey, deviceKey, type DeviceKeyParts } from './measurement-key.js'
import { defaultBackends } from './obstacles.js'
import { placementName } from './plan-input.js'

/** Where setbacks are kept: one note, which all tabs share. What it holds is checked. */
export interface SetbackStore {
  read(): unknown
  write(value: unknown): void
}

interface Rule {
  /** How many failures in a row cost no rest: the request is replayed. */
  readonly free: number
  readonly firstMs: number
  /** How much longer each further rest is. */
  readonly factor: number
  readonly longestMs: number
  /** From this failure in a row on, the placement is not used even where nobody else can answer. */
  readonly neverFrom: number
}

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** Two losses of the GPU, or two deaths of the worker, that are further apart have nothing to do with each other. */
const freeForMs = 10 * minute

/** As an endpoint that ejects itself in Envoy (outlier_detection.proto): 30 s at first, longer each time. */
const briefly: Rule = { free: 0, firstMs: 30_000, factor: 2, longestMs: hour, neverFrom: Infinity }

/**
 * - `failed`: too little memory, or no session; other programs take and give back memory within minutes.
 * - `died`: the runtime did not start, or the worker died or hung. Once is nothing: something fresh takes its place.
 * - `lost`: the GPU. Drivers reset for reasons of their own, and a laptop that wakes loses its GPU; twice within ten minutes
 *   is no accident, and a third time may freeze the user's screen, which no answer is worth.
 * - `killed`: the operating system ended the page. Chrome tries a model of its own that crashed again after 30 days
 *   (developer.chrome.com/docs/ai/understand-built-in-model-management); an hour at first, since a page may be killed by mistake.
 */
const rules = {
  failed: briefly,
  died: { ...briefly, free: 1 },
  lost: { ...briefly, free: 1, longestMs: day, neverFrom: 3 },
  killed: { free: 0, firstMs: hour, factor: 4, longestMs: 30 * day, neverFrom: 1 },
} satisfies Readonly<Record<string, Rule>>

type Kind = keyof typeof rules

const kindOf: { readonly [C in ErrorCode]?: Kind } = {
  OUT_OF_MEMORY: 'failed',
  SESSION_FAILED: 'failed',
  RUNTIME_FAILED: 'died',
  WORKER_DIED: 'died',
  GPU_LOST: 'lost',
}

/** More than any device has models; what rests longest stays. */
const mostEntries = 100

type Entries = ReadonlyMap<string, Setback>

/**
 * Read once, and again before each write, so that tabs keep each other's entries; written only when something changes.
 * Another revision, adapter or browser version is another key: an update forgives.
 */
export class Setbacks {
  readonly #store: SetbackStore
  readonly #now: () => number
  #entries: Entries = new Map()
  /** When the last rest is over. */
  #until = 0

  /** @param now - milliseconds since 1970: rests outlive the page */
  constructor(store: SetbackStore, now: () => number = Date.now) {
    this.#store = store
    this.#now = now
    this.#keep(this.#read())
  }

  /** Whether {@link of} has something to tell of any place. */
  get isResting(): boolean {
    return this.#now() < this.#until
  }

  /**
   * A request or a load has failed at a place; codes that say nothing of the place are ignored.
   *
   * @param durationMs - how long that took: what began before the place came to rest, or was lost, says nothing new
   */
  failed(place: DeviceKeyParts, code: ErrorCode, reason: string, durationMs: number): void {
    const kind = kindOf[code]
    if (kind === undefined) return
    const key = kind === 'lost' ? backendKey(place) : deviceKey(place)
    this.#add(kind, key, code, durationMs, () => reason)
  }

  /** The page was killed while a place was being loaded. @param key - as {@link deviceKey} has it */
  pageKilled(key: string): void {
    this.#add('killed', key, 'WORKER_DIED', 0, (failures) => {
      const often = failures === 1 ? '' : failures === 2 ? ' twice' : ` ${failures} times`
      return `the page was killed${often} while this was loading`
    })
  }

  /** A request was answered at a place, or it was loaded. */
  succeeded(place: DeviceKeyParts): void {
    if (this.#entries.size === 0) return
    const names = namesOf(place).filter((name) => {
      const entry = this.#entries.get(name)
      // A GPU that is lost every few minutes works in between.
      return entry && (!name.startsWith('lost') || this.#now() > entry.until + freeForMs)
    })
    if (names.length > 0) this.#change((entries) => names.map((name) => entries.delete(name)).includes(true))
  }

  /** Why a place is kept from requests, if so. */
  of(place: DeviceKeyParts): RestingPlacement | undefined {
    if (!this.isResting) return undefined
    const now = this.#now()
    let worst: RestingPlacement | undefined
    for (const name of namesOf(place)) {
      const { code, reason, failures, until } = this.#entries.get(name) ?? nothing
      const { neverFrom, longestMs } = ruleOf(name) ?? briefly
      const use = failures < neverFrom ? 'last' : 'never'
      const remainingMs = until - now
      // More than any rest: the clock was put back.
      if (remainingMs > 0 && remainingMs <= longestMs && (worst?.use !== 'never' || use === 'never'))
        worst = { code, reason, remainingMs, use }
    }
    return worst
  }

  #add(kind: Kind, key: string, code: ErrorCode, durationMs: number, reasonOf: (failures: number) => string): void {
    const name = `${kind} ${key}`
    const { free, firstMs, factor, longestMs } = rules[kind]
    const now = this.#now()
    this.#change((entries) => {
      const before = entries.get(name)
      // A millisecond, since durations are of a finer clock.
      if (before && now - durationMs < before.until - 1) return false
      const failures = (before?.failures ?? 0) + 1
      const restMs = failures > free ? Math.min(longestMs, firstMs * factor ** (failures - free - 1)) : 0
      entries.set(name, { code, reason: reasonOf(failures).slice(0, 300), failures, until: now + restMs })
      return true
    })
  }

  /** @param change - returns whether it has changed anything */
  #change(change: (entries: Map<string, Setback>) => boolean): void {
    const entries = this.#read()
    const isChanged = change(entries)
    this.#keep(entries)
    if (isChanged) this.#store.write(Object.fromEntries(this.#entries))
  }

  #keep(entries: Entries): void {
    const kept = [...entries].sort(([, a], [, b]) => b.until - a.until).slice(0, mostEntries)
    this.#entries = new Map(kept)
    this.#until = kept[0]?.[1].until ?? 0
  }

  #read(): Map<string, Setback> {
    const now = this.#now()
    const isKept = (entry: [string, unknown]): entry is [string, Setback] => isSetback(...entry, now)
    return new Map(Object.entries(Object(this.#store.read()) as Readonly<Record<string, unknown>>).filter(isKept))
  }
}

/** Why device placements of a model are kept from requests, by {@link placementName}; what a plan takes as `resting`. */
export function restingOf(
  setbacks: Setbacks,
  { id: model, revision, variants }: Manifest,
  browser: string,
  adapterOf: (backend: Backend) => string,
): ReadonlyMap<string, RestingPlacement> {
  const resting = new Map<string, RestingPlacement>()
  if (!setbacks.isResting) return resting
  for (const backend of defaultBackends) {
    const adapter = adapterOf(backend)
    for (const { dtype: variant } of variants) {
      const found = setbacks.of({ model, revision, variant, backend, adapter, browser })
      if (found) resting.set(placementName({ engine: 'device', backend, variant }), found)
    }
  }
  return resting
}

const nothing: Setback = { code: 'INTERNAL', reason: '', failures: 0, until: 0 }

/** What entries about a place are called. */
function namesOf(place: DeviceKeyParts): readonly string[] {
  const key = deviceKey(place)
  return [`killed ${key}`, `lost ${backendKey(place)}`, `failed ${key}`, `died ${key}`]
}

function ruleOf(name: string): Rule | undefined {
  const rulesByName: Readonly<Record<string, Rule>> = rules
  return rulesByName[name.slice(0, name.indexOf(' '))]
}

/** Whether a stored value is a setback that still means something: it is forgotten as long after the rest as the longest is. */
function isSetback(name: string, value: unknown, now: number): boolean {
  const { code, reason, failures, until } = Object(value) as { readonly [K in keyof Setback]?: unknown }
  const rule = ruleOf(name)
  return (
    rule !== undefined &&
    typeof code === 'string' &&
    Object.hasOwn(errorRules, code) &&
    typeof reason === 'string' &&
    typeof failures === 'number' &&
    failures >= 1 &&
    typeof until === 'number' &&
    // Later than any rest: the clock was put back.
    until <= now + rule.longestMs &&
    until >= now - (failures > rule.free ? rule.longestMs : freeForMs)
  )
}
