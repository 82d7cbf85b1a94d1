/** Keeps account of what was lost and came back, tells it, and refuses workers that would only die again. */
import type { Backend, HealthChange } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import type { Clock } from './clock.js'
import { Deaths } from './deaths.js'
import type { LiveWorker } from './start-worker.js'

/** What a worker is needed for. Most die of what they do for the device; endpoints only have them pre- and post-process. */
export type WorkerNeed = 'device' | 'other'

/** A worker that lived so long does not die of how it was started. */
const longLifeMs = 60_000

export class WorkerHealth {
  readonly #tell: (change: HealthChange) => void
  /** Deaths of any cause, and those that the device's work had no part in. */
  readonly #deaths: Readonly<Record<WorkerNeed, Deaths>>
  readonly #lost = new Set<HealthChange['part']>()
  /** GPU devices that each worker has lost, as it said last. */
  readonly #gpuLosses = new WeakMap<LiveWorker['connection'], number>()

  constructor(clock: Clock, tell: (change: HealthChange) => void) {
    this.#tell = tell
    this.#deaths = { device: new Deaths(clock), other: new Deaths(clock) }
  }

  /** Why there is no worker now, after too many deaths; a live one still does what has nothing to do with them. */
  refusal(need: WorkerNeed, isLive: boolean): EdgewardError | undefined {
    const { device, other } = this.#deaths
    const deviceMs = need === 'device' ? device.remainingMs : 0
    const remainingMs = Math.max(deviceMs, isLive ? 0 : other.remainingMs)
    if (remainingMs === 0) return undefined
    const message = `The last workers died one after the other; the next one is started in ${Math.ceil(remainingMs / 1_000)} s.`
    return new EdgewardError('WORKER_UNAVAILABLE', message, { details: { remainingMs } })
  }

  /** A worker has died, was ended because it hung, or cannot be trusted any more. */
  lost({ connection }: LiveWorker, why: EdgewardError): void {
    if (connection.ageMs >= longLifeMs) this.#forgive()
    // What cost a worker its trust has told who did it; the other models are not kept waiting for that.
    if (why.code === 'WORKER_DIED') this.#deaths.device.add()
    if (why.code === 'WORKER_DIED' && !connection.isAtWork) this.#deaths.other.add()
    const retired = `The worker is replaced, since its runtime cannot be trusted any more: ${why.message}`
    this.#lose('worker', why.code === 'WORKER_DIED' ? why.message : retired)
  }

  /** A worker answers. */
  started(): void {
    this.#recover('worker', 'A fresh worker answers.')
  }

  replaced(why: string): void {
    this.#tell({ part: 'worker', state: 'replaced', reason: `A fresh worker has taken over, since ${why}.` })
  }

  /** @returns whether the worker has lost a device since it was asked last */
  gpuLost(connection: LiveWorker['connection'], losses: number): boolean {
    if (losses <= (this.#gpuLosses.get(connection) ?? 0)) return false
    this.#gpuLosses.set(connection, losses)
    this.#lose('gpu', 'The GPU device was lost; the next request that needs it gets a fresh one.')
    return true
  }

  /** A request was answered, or a load is ready. */
  well(what: 'request' | 'load', backend: Backend | undefined): void {
    if (what === 'request') this.#forgive()
    if (backend === 'webgpu') this.#recover('gpu', 'A fresh GPU device answers.')
  }

  #forgive(): void {
    this.#deaths.device.forgive()
    this.#deaths.other.forgive()
  }

  #lose(part: HealthChange['part'], reason: string): void {
    this.#lost.add(part)
    this.#tell({ part, state: 'lost', reason })
  }

  #recover(part: HealthChange['part'], reason: string): void {
    if (this.#lost.delete(part)) this.#tell({ part, state: 'recovered', reason })
  }
}
