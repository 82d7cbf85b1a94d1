/** What is kept of measurements, and how those of several tabs become one. */
import type { Benchmark, MeasurementRecord, Sample } from '../contract/index.js'

/** A record, with the version of the browser that measured it. */
export interface KeptMeasurement extends MeasurementRecord {
  readonly browser: string
}

export interface KeptBenchmark {
  readonly browser: string
  /** The adapter that it was made with. */
  readonly adapter: string
  readonly value: Benchmark
}

/** How many samples a record keeps, the newest; as many as it takes to tell a trend, and few enough to read at every start. */
export const mostSamples = Object.freeze({ runs: 32, loads: 8 })

/** How many records are kept, those used last: some hundred kilobytes, and more placements than a site has. */
export const mostRecords = 200

/**
 * One record of what two tabs measured of the same placement. What both have was read by one from the other, and counts once.
 * Of agreements, the longer count stands, since nobody can tell what both have counted. What is of the future goes: a clock
 * that was wrong for a while would have it count as the newest for as long.
 *
 * @param now - milliseconds since 1970, as in the records
 */
export function mergeRecords(
  earlier: MeasurementRecord | undefined,
  added: MeasurementRecord,
  now: number,
): MeasurementRecord {
  const verdict = verdictOf(earlier, added, now)
  const [agreement] = [added.agreement, earlier?.agreement]
    .filter((found) => found !== undefined)
    .sort((a, b) => b.compared - a.compared)
  return {
    key: added.key,
    runs: newest([...(earlier?.runs ?? []), ...added.runs], mostSamples.runs, now),
    loads: newest([...(earlier?.loads ?? []), ...added.loads], mostSamples.loads, now),
    ...(verdict && { verdict }),
    ...(agreement && { agreement }),
    usedAt: Math.min(now, Math.max(earlier?.usedAt ?? 0, added.usedAt)),
  }
}

/** The keys of the records that have to go for there to be no more than {@link mostRecords}: those used longest ago. */
export function leastUsed(records: readonly MeasurementRecord[]): readonly string[] {
  return [...records]
    .sort((a, b) => b.usedAt - a.usedAt)
    .slice(mostRecords)
    .map(({ key }) => key)
}

/** The newer verdict; a tab that lacks it has not heard of it. */
function verdictOf(
  earlier: MeasurementRecord | undefined,
  added: MeasurementRecord,
  now: number,
): MeasurementRecord['verdict'] {
  const known = earlier?.verdict
  return known && known.at <= now && known.at >= (added.verdict?.at ?? 0) ? known : added.verdict
}

function newest(samples: readonly Sample[], most: number, now: number): readonly Sample[] {
  const past = samples.filter(({ at }) => at <= now)
  const distinct = new Map(past.map((sample) => [`${sample.at} ${sample.units} ${sample.ms}`, sample]))
  return [...distinct.values()].sort((a, b) => a.at - b.at).slice(-most)
}
