/** What placements were measured to do, by key: in memory on the page, so that a plan need not wait for the database. */
import type { MeasurementRecord, PlacementMeasurements, Sample } from '../contract/index.js'
import type { ErrorCode } from '../errors/index.js'
import { fitRuns, rangeOfLoads } from './fit-runs.js'

/** How many are kept of each: enough for a 95th percentile, few enough to be forgotten. */
const mostRuns = 32
const mostLoads = 8

interface Entry {
  record: MeasurementRecord
  /** What the plan reads, made when the record changes. */
  measurements: PlacementMeasurements
  isChanged: boolean
}

export class Measurements {
  readonly #entries = new Map<string, Entry>()
  readonly #now: () => number

  /** @param now - milliseconds since 1970 */
  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** Takes what the database had; what was measured meanwhile is newer. To be called once. */
  load(records: readonly MeasurementRecord[]): void {
    for (const record of records) {
      const entry = this.#entries.get(record.key)
      if (entry) update(entry, merge(record, entry))
      else this.#entries.set(record.key, { ...unchanged, record, measurements: summarise(record) })
    }
  }

  /** What is known of a placement. It was computed when something was added: reading it costs nothing. */
  of(key: string): PlacementMeasurements | undefined {
    return this.#entries.get(key)?.measurements
  }

  /**
   * A request was answered in `ms`, waiting and loading left out. `units` as `unitsOf` says.
   *
   * @param isUnfinished - nobody saw its end: it would have taken longer, which says something only if that is news
   */
  addRun(key: string, units: number, ms: number, isUnfinished = false): void {
    if (!isSample(units, ms) || (isUnfinished && ms <= this.#expectedMs(key, units))) return
    this.#change(key, (record, at) => ({ ...record, runs: [...record.runs, { units, ms, at }].slice(-mostRuns) }))
  }

  /** A model was made ready from the cache in `ms`. */
  addLoad(key: string, bytes: number, ms: number): void {
    if (!isSample(bytes, ms)) return
    const units = bytes
    this.#change(key, (record, at) => ({ ...record, loads: [...record.loads, { units, ms, at }].slice(-mostLoads) }))
  }

  /** This placement must not be used, and why. */
  judge(key: string, code: ErrorCode, reason: string): void {
    this.#change(key, (record, at) => ({ ...record, verdict: { code, reason, at } }))
  }

  /** The placement's output was compared with another one's. */
  compare(key: string, agreed: boolean): void {
    this.#change(key, (record) => {
      const before = record.agreement ?? { compared: 0, agreed: 0 }
      const agreement = { compared: before.compared + 1, agreed: before.agreed + (agreed ? 1 : 0) }
      return { ...record, agreement }
    })
  }

  /** The records that have changed since this was last called: what is to be saved. */
  takeChanged(): readonly MeasurementRecord[] {
    const changed = [...this.#entries.values()].filter(({ isChanged }) => isChanged)
    for (const entry of changed) entry.isChanged = false
    return changed.map(({ record }) => record)
  }

  #expectedMs(key: string, units: number): number {
    const { fixedMs = 0, unitMs = 0 } = this.of(key)?.run ?? {}
    return fixedMs + unitMs * units
  }

  #change(key: string, change: (record: MeasurementRecord, at: number) => MeasurementRecord): void {
    const at = this.#now()
    const empty: MeasurementRecord = { key, runs: [], loads: [], usedAt: at }
    const entry = this.#entries.get(key) ?? { ...unchanged, record: empty, measurements: {} }
    this.#entries.set(key, entry)
    update(entry, { ...change(entry.record, at), usedAt: at })
    entry.isChanged = true
  }
}

const unchanged = { isChanged: false }

/** A clock that was set, or a size that nobody knows, must not spoil what is kept. */
function isSample(units: number, ms: number): boolean {
  return units > 0 && ms >= 0 && Number.isFinite(units) && Number.isFinite(ms)
}

/** Fits again only what has changed. */
function update(entry: Entry, record: MeasurementRecord): void {
  const { record: before, measurements } = entry
  entry.record = record
  entry.measurements = summarise(record, {
    ...(record.runs === before.runs && measurements.run && { run: measurements.run }),
    ...(record.loads === before.loads && measurements.loadMs && { loadMs: measurements.loadMs }),
  })
}

function summarise(
  { runs, loads, verdict, agreement }: MeasurementRecord,
  known: Pick<PlacementMeasurements, 'run' | 'loadMs'> = {},
): PlacementMeasurements {
  const run = known.run ?? fitRuns(runs)
  const loadMs = known.loadMs ?? rangeOfLoads(loads)
  return {
    ...(run && { run }),
    ...(loadMs && { loadMs }),
    ...(verdict && { verdict }),
    ...(agreement && { agreement }),
  }
}

/** What the database had, and then what this page has measured. */
function merge(old: MeasurementRecord, { record }: Entry): MeasurementRecord {
  const { verdict: oldVerdict, agreement: oldAgreement, ...rest } = old
  const verdict = record.verdict ?? oldVerdict
  const agreement = sum(oldAgreement, record.agreement)
  return {
    ...rest,
    runs: newest(old.runs, record.runs, mostRuns),
    loads: newest(old.loads, record.loads, mostLoads),
    ...(verdict && { verdict }),
    ...(agreement && { agreement }),
    usedAt: Math.max(old.usedAt, record.usedAt),
  }
}

function newest(old: readonly Sample[], own: readonly Sample[], most: number): readonly Sample[] {
  return [...old, ...own].slice(-most)
}

function sum(a: MeasurementRecord['agreement'], b: MeasurementRecord['agreement']): MeasurementRecord['agreement'] {
  if (!a || !b) return a ?? b
  return { compared: a.compared + b.compared, agreed: a.agreed + b.agreed }
}
