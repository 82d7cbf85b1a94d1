/** Keeps what was measured in the database: each change is one transaction, and one that fails harms nobody. */
import type { Benchmark, MeasurementRecord } from '../contract/index.js'
import { leastUsed, mergeRecords, type KeptMeasurement } from './merge-measurements.js'
import type { WeightsDatabase, WeightsDb } from './weights-db.js'

/** What was measured, as one version of the browser knows it. */
export interface Measurements {
  readonly records: readonly MeasurementRecord[]
  /** Of the adapter that it was made with. */
  readonly benchmark?: { readonly adapter: string; readonly value: Benchmark }
}

export class MeasurementRecords {
  readonly #db: WeightsDb

  constructor(db: WeightsDb) {
    this.#db = db
  }

  /** What is kept of this version of the browser; nothing where the database cannot be had or read. Never rejects. */
  async recall(browser: string): Promise<Measurements> {
    if ((await this.#db.connect()) !== undefined) return { records: [] }
    // Without them the plan begins with assumptions again, and measures anew.
    return this.#db.use('reading', (database) => read(database, browser)).catch(() => ({ records: [] }))
  }

  /**
   * Adds to what is kept of this version of the browser, and deletes what another one measured. Never rejects: measurements
   * that the browser has no storage for are dropped, and no model makes room for them.
   */
  async remember(browser: string, measured: Measurements): Promise<void> {
    if ((await this.#db.connect()) !== undefined) return
    await this.#db.use('writing', (database) => write(database, browser, measured)).catch(() => undefined)
  }
}

const stores = ['measurements', 'benchmarks'] as const

async function read(database: WeightsDatabase, browser: string): Promise<Measurements> {
  const transaction = database.transaction(stores)
  const [kept, benchmark] = await Promise.all([
    transaction.objectStore('measurements').getAll(),
    transaction.objectStore('benchmarks').get(browser),
  ])
  const records = kept.filter((record) => record.browser === browser).map(withoutBrowser)
  return { records, ...(benchmark && { benchmark: { adapter: benchmark.adapter, value: benchmark.value } }) }
}

async function write(database: WeightsDatabase, browser: string, { records, benchmark }: Measurements): Promise<void> {
  const transaction = database.transaction(stores, 'readwrite')
  const [measurements, benchmarks] = [transaction.objectStore('measurements'), transaction.objectStore('benchmarks')]
  const [kept, keptBenchmarks] = await Promise.all([measurements.getAll(), benchmarks.getAllKeys()])
  const merged = merge(kept, records, browser)
  const gone = [
    ...kept.filter((record) => record.browser !== browser && !merged.has(record.key)).map(({ key }) => key),
    ...leastUsed([...merged.values()]),
  ]
  const goneBenchmarks = keptBenchmarks.filter((key) => key !== browser)
  await Promise.all([
    ...records.flatMap(({ key }) => merged.get(key) ?? []).map((record) => measurements.put(record)),
    ...gone.map((key) => measurements.delete(key)),
    ...(benchmark ? [benchmarks.put({ ...benchmark, browser })] : []),
    ...goneBenchmarks.map((key) => benchmarks.delete(key)),
    transaction.done,
  ])
}

/** Every record of this version of the browser, as it is to be kept, by key. */
function merge(
  kept: readonly KeptMeasurement[],
  records: readonly MeasurementRecord[],
  browser: string,
): ReadonlyMap<string, KeptMeasurement> {
  const now = Date.now()
  const merged = new Map(kept.filter((record) => record.browser === browser).map((record) => [record.key, record]))
  for (const record of records) {
    merged.set(record.key, { ...mergeRecords(merged.get(record.key), record, now), browser })
  }
  return merged
}

function withoutBrowser({ browser: _, ...record }: KeptMeasurement): MeasurementRecord {
  return record
}
