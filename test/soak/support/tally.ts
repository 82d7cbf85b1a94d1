/** Counts what became of the requests, and by which faults they had to get. */
import type { FaultName } from './schedule.js'
import type { Asked } from './traffic.js'
import type { Outcome, Surroundings, Verdict } from './verdict.js'

const verdicts = ['right', 'truthful', 'unanswerable', 'gone', 'wrong', 'leaked', 'lost'] as const satisfies Verdict[]

/** What fails the soak. */
export const failing: ReadonlySet<Verdict> = new Set(['wrong', 'leaked', 'lost'])

type Counts = Record<Verdict, number>

export class Tally {
  readonly #total = noCounts()
  readonly #places = new Map<string, number>()
  readonly #byFault = new Map<FaultName, Counts>()

  add(outcome: Outcome, verdict: Verdict, { faults }: Surroundings): void {
    this.#total[verdict] += 1
    if (outcome.state === 'answered') this.#countPlace(outcome.placement)
    for (const name of new Set(faults)) {
      const counts = this.#byFault.get(name) ?? noCounts()
      counts[verdict] += 1
      this.#byFault.set(name, counts)
    }
  }

  /** How many requests failed the soak. */
  get failures(): number {
    return [...failing].reduce((sum, verdict) => sum + this.#total[verdict], 0)
  }

  /** A table, line by line: a row for each fault with the requests that met it, and a row for all. */
  lines(): readonly string[] {
    const rows = [...this.#byFault].sort(([a], [b]) => a.localeCompare(b))
    const table = [
      ['requests that met', ...verdicts],
      ...rows.map(([name, counts]) => [name, ...verdicts.map((verdict) => String(counts[verdict]))]),
      ['all requests', ...verdicts.map((verdict) => String(this.#total[verdict]))],
    ]
    const widths = verdicts.map((verdict) => verdict.length)
    const first = Math.max(...table.map(([name = '']) => name.length))
    const places = [...this.#places].map(([name, count]) => `${name} ${count}`).sort()
    return [
      ...table.map(([name = '', ...cells]) =>
        [name.padEnd(first), ...cells.map((cell, at) => cell.padStart(widths[at] ?? 0))].join('  '),
      ),
      `answered by: ${places.join(', ')}`,
    ]
  }

  #countPlace(placement: Extract<Outcome, { state: 'answered' }>['placement']): void {
    const place = placement.engine === 'device' ? placement.backend : 'endpoint'
    this.#places.set(place, (this.#places.get(place) ?? 0) + 1)
  }
}

/** One line that says what was asked and what came. */
export function describe({ number, kind, index, lane, policy, abortAfterMs }: Asked, outcome: Outcome): string {
  const aborted = abortAfterMs === undefined ? '' : `, aborted after ${abortAfterMs} ms`
  const asked = `request ${number} (${kind} ${index}, ${lane}, ${JSON.stringify(policy)}${aborted})`
  return `${asked}: ${JSON.stringify(outcome).slice(0, 2_000)}`
}

function noCounts(): Counts {
  return { right: 0, truthful: 0, unanswerable: 0, gone: 0, wrong: 0, leaked: 0, lost: 0 }
}
