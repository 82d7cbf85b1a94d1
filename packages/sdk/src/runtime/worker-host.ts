/** Owns the worker: spawns it when it is first needed, and a fresh one after a death. */
import type { StorageOptions } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { neverAborted } from '../shared/index.js'
import {
  connect,
  type CacheActions,
  type Connection,
  type LiveResources,
  type MethodResult,
  type Payload,
  type WorkerMethod,
} from '../transport/index.js'
import { WorkerModels } from './worker-models.js'

/** Creates the worker. */
export type SpawnWorker = () => Worker

/** A worker that answers, with what it knows. */
export interface LiveWorker {
  readonly connection: Connection
  readonly models: WorkerModels
}

type State =
  | { readonly is: 'idle' }
  | { readonly is: 'live'; readonly starting: Promise<LiveWorker> }
  | { readonly is: 'disposed' }

/** How long a worker may take to free what it holds before it is ended all the same. */
const shutdownMs = 3_000

export class WorkerHost {
  readonly #spawn: SpawnWorker
  readonly #storage: StorageOptions | undefined
  readonly #disposing = new AbortController()
  #state: State = { is: 'idle' }

  constructor(spawn: SpawnWorker, storage?: StorageOptions) {
    this.#spawn = spawn
    this.#storage = storage
  }

  /**
   * The live worker.
   *
   * @throws EdgewardError WORKER_UNAVAILABLE when it cannot be started, DISPOSED
   */
  live(): Promise<LiveWorker> {
    if (this.#state.is === 'disposed') return Promise.reject(disposed())
    if (this.#state.is === 'live') return this.#state.starting
    const starting = this.#start()
    this.#state = { is: 'live', starting }
    // After a death, the next request gets a fresh worker.
    const forget = () => {
      if (this.#state.is === 'live' && this.#state.starting === starting) this.#state = { is: 'idle' }
    }
    starting.then(({ connection }) => connection.onClosed(forget), forget)
    return starting
  }

  /** Calls a method of the live worker, which is started if there is none. */
  async call<M extends WorkerMethod>(
    method: M,
    payload: Payload<M>,
    signal: AbortSignal = neverAborted(),
  ): Promise<MethodResult<M>> {
    const { connection } = await this.live()
    return connection.call(method, payload, { signal })
  }

  /** Asks the cache for something; what comes back is what {@link CacheActions} says. */
  async cache<A extends keyof CacheActions>(action: A, model = ''): Promise<Awaited<ReturnType<CacheActions[A]>>> {
    const answer = await this.call('cache', { action, model })
    // The worker's cache has the methods of `CacheActions`, which the wire's one result type cannot tell apart.
    return answer as Awaited<ReturnType<CacheActions[A]>>
  }

  /**
   * Lets the worker free what it holds, then ends it; one that is still starting is ended at once. Resolves with what it
   * could not free.
   */
  async dispose(): Promise<LiveResources | undefined> {
    const state = this.#state
    this.#state = { is: 'disposed' }
    if (state.is !== 'live') return undefined
    this.#disposing.abort(disposed())
    const live = await state.starting.catch(() => undefined)
    if (live === undefined) return undefined
    const { connection } = live
    try {
      return await connection.call('shutdown', undefined, { signal: AbortSignal.timeout(shutdownMs) })
    } catch {
      return undefined // It was busy or already dead: ending it frees everything too.
    } finally {
      connection.terminate(disposed())
    }
  }

  async #start(): Promise<LiveWorker> {
    const connection = await connect(this.#create(), this.#disposing.signal)
    if (this.#storage) await connection.call('configure', this.#storage, { signal: neverAborted() })
    return { connection, models: new WorkerModels(connection) }
  }

  #create(): Worker {
    try {
      return this.#spawn()
    } catch (cause) {
      throw new EdgewardError('WORKER_UNAVAILABLE', 'This page may not start a worker.', { cause })
    }
  }
}

function disposed(): EdgewardError {
  return new EdgewardError('DISPOSED', 'The client was disposed while this was pending.')
}
