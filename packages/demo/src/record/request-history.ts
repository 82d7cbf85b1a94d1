/** Remembers how long the last requests took at each placement. */
import type { Placement, Trace } from 'edgeward'

/** So many dots can still be told apart. */
const mostTimes = 20

export class RequestHistory {
  readonly #times = new Map<string, readonly number[]>()

  add({ outcome, placement, model, totalMs }: Trace): void {
    if (outcome !== 'answered' || placement === undefined) return
    this.#times.set(keyOf(model, placement), [...this.timesOf(model, placement), totalMs].slice(-mostTimes))
  }

  /** From the call to the answer, in milliseconds, the newest last. */
  timesOf(model: string, placement: Placement): readonly number[] {
    return this.#times.get(keyOf(model, placement)) ?? []
  }
}

function keyOf(model: string, placement: Placement): string {
  const place =
    placement.engine === 'device' ? [placement.engine, placement.backend, placement.variant] : [placement.endpoint]
  return JSON.stringify([model, ...place])
}
