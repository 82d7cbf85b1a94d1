/** What failed when, so that each request can be judged by what was the case meanwhile. */
import type { FaultName } from './schedule.js'
import type { Surroundings } from './verdict.js'

interface Entry {
  readonly name: FaultName | 'blackout'
  readonly fromMs: number
  /** Infinity: it goes on. */
  toMs: number
}

export class History {
  readonly #entries: Entry[] = []

  /** @returns its end */
  begin(name: Entry['name']): () => void {
    const entry = { name, fromMs: performance.now(), toMs: Infinity }
    this.#entries.push(entry)
    return () => void (entry.toMs = performance.now())
  }

  /** Of the time from `fromMs` until now. */
  since(fromMs: number): Surroundings {
    const met = this.#entries.filter(({ toMs }) => toMs >= fromMs).map(({ name }) => name)
    return { isBlackout: met.includes('blackout'), faults: met.filter((name) => name !== 'blackout') }
  }
}
