/** Runs both scenarios and says what came of them: as data, and as the tables of docs/placement.md. */
import { replay, type Ended } from './replay.js'
import { fleetVisits, strategies, surgeStrategies, surgeVisits } from './scenarios.js'
import { localShare, summarise, type Summary } from './summary.js'
import { surge } from './world.js'

export interface FleetRow extends Summary {
  readonly name: string
}

export interface SurgeRow extends Summary {
  readonly name: string
  /** Before the surge, in it, and after it. */
  readonly localShares: readonly [number, number, number]
}

export interface Report {
  readonly seed: number
  readonly fleet: readonly FleetRow[]
  readonly surge: readonly SurgeRow[]
}

/** Part of the fleet, and an endpoint that is smaller by as much: the same picture in a tenth of the time. */
export const surgePart = 1 / 8

export async function makeReport(seed: number, requests?: number): Promise<Report> {
  return { seed, fleet: await runFleet(seed, requests), surge: await runSurge(seed) }
}

export async function runFleet(seed: number, requests?: number): Promise<readonly FleetRow[]> {
  const visits = fleetVisits(seed, requests)
  const rows: FleetRow[] = []
  for (const strategy of Object.values(strategies)) {
    rows.push({ name: strategy.name, ...summarise(await replay(visits, strategy)) })
  }
  return rows
}

export async function runSurge(seed: number): Promise<readonly SurgeRow[]> {
  const visits = surgeVisits(seed, surgePart)
  const rows: SurgeRow[] = []
  for (const strategy of Object.values(surgeStrategies)) {
    const result = await replay(visits, strategy, { endpointSlowness: 1 / surgePart })
    rows.push({ name: strategy.name, ...summarise(result), localShares: localShares(result.requests) })
  }
  return rows
}

export function fleetTable(rows: readonly FleetRow[]): string {
  const head = ['policy', 'p50', 'p95', 'downloaded', 'a visit', 'local', 'local where fit', 'failed']
  return table(
    head,
    rows.map((row) => [
      row.name,
      time(row.p50Ms),
      time(row.p95Ms),
      `${(row.downloadedBytes / 1e9).toFixed(1)} GB`,
      `${(row.bytesPerVisit / 1e6).toFixed(0)} MB`,
      percent(row.localShare),
      percent(row.localShareOfFit),
      String(row.failed),
    ]),
  )
}

export function surgeTable(rows: readonly SurgeRow[]): string {
  const head = ['policy', 'refused', 'refused, device ready', 'failed', 'p50', 'local before', 'in the surge', 'after']
  return table(
    head,
    rows.map((row) => [
      row.name,
      String(row.refused),
      String(row.refusedReady),
      String(row.failed),
      time(row.p50Ms),
      ...row.localShares.map(percent),
    ]),
  )
}

function localShares(requests: readonly Ended[]): SurgeRow['localShares'] {
  const { calmMs, surgeMs } = surge
  const within = (from: number, to: number) => localShare(requests.filter(({ atMs }) => atMs >= from && atMs < to))
  return [within(0, calmMs), within(calmMs, calmMs + surgeMs), within(calmMs + surgeMs, Infinity)]
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return lines.join('\n')
}

function time(ms: number): string {
  if (ms === Infinity) return 'failed'
  return ms < 10_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(0)} s`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`
}
