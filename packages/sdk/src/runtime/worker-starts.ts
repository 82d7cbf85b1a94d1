/** Starts the workers of one page: each is given what the user gave, and one whose script got lost on the way is started again. */
import { isEdgewardError } from '../errors/index.js'
import { abortable } from '../shared/index.js'
import type { AddPayload } from '../transport/index.js'
import type { Clock } from './clock.js'
import { startWorker, type LiveWorker, type StartOptions } from './start-worker.js'
import type { WatchedConnectionOptions } from './watched-connection.js'

/** When a worker's script could not be loaded, it is loaded once more after this, unless the failure itself took long. */
const againAfterMs = 500
const againWithinMs = 10_000

export class WorkerStarts {
  readonly #options: StartOptions
  readonly #clock: Clock
  /** What the user gave, by model; another map after each change. */
  #given: ReadonlyMap<string, AddPayload> = new Map()
  #mayStartAgain = true

  constructor(options: StartOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  /** What a worker knows that starts now; another value after each change. */
  get given(): unknown {
    return this.#given
  }

  /** Gives a model's files to workers that start from now on, unless `tell`, which tells the live one, fails. */
  async give(payload: AddPayload, tell: () => Promise<unknown>): Promise<void> {
    const { id } = payload
    const before = this.#given.get(id)
    // First, so that a worker that takes over meanwhile knows it, or does not take over.
    this.#keep(id, payload)
    try {
      await tell()
    } catch (error) {
      if (this.#given.get(id) === payload) this.#keep(id, before)
      throw error
    }
  }

  /**
   * A network that failed for a moment may have cost the worker its script, without which nothing can be asked, endpoints
   * included. Where starting it again did not help, nobody waits for that until a worker has started.
   *
   * @throws EdgewardError WORKER_UNAVAILABLE; the reason of `giveUp`
   */
  async start(watching: WatchedConnectionOptions, giveUp: AbortSignal): Promise<LiveWorker> {
    const start = () => startWorker(this.#options, watching, this.#given.values(), giveUp)
    const startedAt = this.#clock.now()
    const started = await start().catch(async (error: unknown) => {
      const isQuick = this.#clock.now() - startedAt < againWithinMs
      if (!this.#mayStartAgain || !isQuick || !isScriptMissing(error)) throw error
      this.#mayStartAgain = false
      await abortable(new Promise<void>((resolve) => void this.#clock.after(againAfterMs, resolve)), giveUp)
      return start()
    })
    this.#mayStartAgain = true
    return started
  }

  #keep(id: string, payload: AddPayload | undefined): void {
    const given = new Map(this.#given)
    if (payload) given.set(id, payload)
    else given.delete(id)
    this.#given = given
  }
}

/** Not one that the page may not start at all. */
function isScriptMissing(error: unknown): boolean {
  return isEdgewardError(error) && error.code === 'WORKER_UNAVAILABLE' && error.cause === undefined
}
