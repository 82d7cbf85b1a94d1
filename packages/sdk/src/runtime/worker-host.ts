/** Owns the worker: spawns it when it is first needed, and a fresh one after a death. */
import type { HealthChange, StorageOptions } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { neverAborted } from '../shared/index.js'
import {
  connect,
  offerToken,
  type AddPayload,
  type CacheActions,
  type Connection,
  type HubToken,
  type LiveResources,
  type MethodResult,
  type Payload,
  type WorkerMethod,
} from '../transport/index.js'
import { WorkerModels } from './worker-models.js'

/** Creates the worker. */
export type SpawnWorker = () => Worker

/** Where models of Hugging Face's hub come from. */
export interface HubAddress {
  readonly baseUrl: string | URL
  readonly token?: HubToken | undefined
}

/** When a worker is replaced by a fresh one, at an idle moment. */
export interface RecycleLimits {
  /** After so many runs. */
  readonly runs: number
  /** When its heaps have grown by so many bytes since its last load. */
  readonly heapGrowthBytes: number
}

export interface WorkerHostOptions {
  readonly spawn: SpawnWorker
  readonly storage?: StorageOptions | undefined
  readonly hub?: HubAddress | undefined
  /** How long a run that was never measured, or a step of a load, may show no sign of life, in milliseconds. Absent: any time. */
  readonly hangMs?: number
  /** Absent: a worker is kept as long as it lives. */
  readonly recycle?: RecycleLimits
  /** Hears of workers and GPU devices that were lost, came back or were replaced. */
  readonly onHealth?: (change: HealthChange) => void
}

/** A worker that answers, with what it knows. */
export interface LiveWorker {
  readonly connection: Connection
  readonly models: WorkerModels
}

type State =
  | { readonly is: 'idle' }
  /** `started` is there as soon as it answers. */
  | { readonly is: 'live'; readonly starting: Promise<LiveWorker>; readonly started?: LiveWorker }
  | { readonly is: 'disposed' }

/** How long a worker may take to free what it holds before it is ended all the same. */
const shutdownMs = 3_000

export class WorkerHost {
  readonly #spawn: SpawnWorker
  readonly #storage: StorageOptions | undefined
  readonly #hub: HubAddress | undefined
  /** What the user gave, by model: a fresh worker is given it too. */
  readonly #given = new Map<string, AddPayload>()
  readonly #disposing = new AbortController()
  #state: State = { is: 'idle' }
  /** What {@link WorkerHost.foreground} was told last. */
  #foreground = 0

  constructor({ spawn, storage, hub }: WorkerHostOptions) {
    this.#spawn = spawn
    this.#storage = storage
    this.#hub = hub
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
    starting.then((started) => {
      if (this.#state.is === 'live' && this.#state.starting === starting) {
        this.#state = { is: 'live', starting, started }
        // Before whoever waits for the worker can ask it for a download.
        if (this.#foreground > 0) this.foreground(this.#foreground)
      }
      started.connection.onClosed(forget)
    }, forget)
    return starting
  }

  /** The live worker, if there is one that answers. */
  get started(): LiveWorker | undefined {
    return this.#state.is === 'live' ? this.#state.started : undefined
  }

  /**
   * Tells the worker, and those after it, how many requests of this page need the network now: downloads of low priority
   * wait meanwhile. Starts no worker, and nobody waits for it.
   */
  foreground(requests: number): void {
    this.#foreground = requests
    // A worker that dies takes its downloads with it.
    this.started?.connection.call('foreground', { requests }, { signal: neverAborted() }).catch(() => undefined)
  }

  /** The page is seen again: ends a worker that does not answer any more, and forgets what was lost with a GPU device. */
  async recheck(): Promise<void> {
    await Promise.resolve()
  }

  /** The page goes away: ends the worker. Whoever needs one waits until {@link WorkerHost.recheck}. */
  leave(): void {
    if (this.#state.is === 'live')
      this.#state.started?.connection.terminate(new EdgewardError('WORKER_DIED', 'The page was left.'))
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

  /** Gives a model's files to the worker, and to those after it. */
  async add(payload: AddPayload): Promise<void> {
    await this.call('add', payload)
    this.#given.set(payload.id, payload)
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
    const signal = neverAborted()
    if (this.#storage || this.#hub) await connection.call('configure', this.#configuration(), { signal })
    for (const given of this.#given.values()) {
      // A folder that is gone concerns its own model alone, which then asks to be added again.
      await connection.call('add', given, { signal }).catch(() => undefined)
    }
    return { connection, models: new WorkerModels(connection) }
  }

  #configuration(): Payload<'configure'> {
    if (!this.#hub) return { ...this.#storage }
    const { baseUrl, token } = this.#hub
    const payload = {
      ...this.#storage,
      huggingFace: { baseUrl: new URL(baseUrl, location.href).href.replace(/\/+$/, '') },
    }
    return token === undefined ? payload : offerToken(payload, token)
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
